// Boost's queue and the measured loops around it. It is a template, and would be at a disadvantage
// if it were called through functions: the loops of `src/ring.rs`, once more in C++.

#include <array>
#include <boost/lockfree/spsc_queue.hpp>
#include <cstddef>
#include <cstdint>

namespace {

// As Rust's `std::hint::black_box`: through memory, and any memory may have changed.
template <typename T> T black_box(T value)
{
    asm volatile("" : : "r"(&value) : "memory");
    return value;
}

// As Rust's `std::hint::spin_loop`.
void spin_loop()
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("isb");
#endif
}

template <typename T> struct Loops {
    using Queue = boost::lockfree::spsc_queue<T>;

    static Queue &queue(void *ring) { return *static_cast<Queue *>(ring); }
    static const T *elements(const void *data) { return static_cast<const T *>(data); }
    static T *elements(void *data) { return static_cast<T *>(data); }

    static void *create(std::size_t capacity) { return new Queue(capacity); }
    static void destroy(void *ring) { delete &queue(ring); }

    static std::size_t write(void *ring, const void *source, std::size_t count)
    {
        return queue(ring).push(elements(source), count);
    }

    static std::size_t read(void *ring, void *target, std::size_t count)
    {
        return queue(ring).pop(elements(target), count);
    }

    static void push_waiting(Queue &ring, const T &element)
    {
        while (!ring.push(element))
            spin_loop();
    }

    static void pop_waiting(Queue &ring)
    {
        T element;
        while (!ring.pop(element))
            spin_loop();
        black_box(element);
    }

    static void alone(void *ring_, const void *source_, void *target_, std::size_t n,
                      std::size_t count)
    {
        Queue &ring = queue(ring_);
        const T *source = black_box(elements(source_));
        T *target = elements(target_);
        if (n == 1) {
            for (; count > 0; count--) {
                ring.push(black_box(*source));
                T element;
                if (ring.pop(element))
                    black_box(element);
            }
        } else {
            for (; count > 0; count--) {
                ring.push(source, n);
                ring.pop(target, n);
                black_box(target);
            }
        }
    }

    static void send(void *ring_, const void *source_, std::size_t n, std::size_t count)
    {
        Queue &ring = queue(ring_);
        const T *source = black_box(elements(source_));
        for (; count > 0; count--) {
            if (n == 1) {
                push_waiting(ring, black_box(*source));
                continue;
            }
            for (std::size_t done = 0;;) {
                done += ring.push(source + done, n - done);
                if (done == n)
                    break;
                spin_loop();
            }
        }
    }

    static void receive(void *ring_, void *target_, std::size_t n, std::size_t count)
    {
        Queue &ring = queue(ring_);
        T *target = elements(target_);
        for (; count > 0; count--) {
            if (n == 1) {
                pop_waiting(ring);
                continue;
            }
            for (std::size_t done = 0;;) {
                done += ring.pop(target + done, n - done);
                if (done == n)
                    break;
                spin_loop();
            }
            black_box(target);
        }
    }

    static void ping(void *out, void *in, std::size_t count)
    {
        T element{};
        for (; count > 0; count--) {
            push_waiting(queue(out), black_box(element));
            pop_waiting(queue(in));
        }
    }

    static void pong(void *out, void *in, std::size_t count)
    {
        T element{};
        for (; count > 0; count--) {
            pop_waiting(queue(in));
            push_waiting(queue(out), black_box(element));
        }
    }
};

} // namespace

// `Functions` in `src/contestants/boost.rs`.
extern "C" struct rings_boost {
    void *(*create)(std::size_t);
    void (*destroy)(void *);
    std::size_t (*write)(void *, const void *, std::size_t);
    std::size_t (*read)(void *, void *, std::size_t);
    void (*alone)(void *, const void *, void *, std::size_t, std::size_t);
    void (*send)(void *, const void *, std::size_t, std::size_t);
    void (*receive)(void *, void *, std::size_t, std::size_t);
    void (*ping)(void *, void *, std::size_t);
    void (*pong)(void *, void *, std::size_t);
};

template <typename T>
static const rings_boost functions = {
    Loops<T>::create, Loops<T>::destroy, Loops<T>::write, Loops<T>::read, Loops<T>::alone,
    Loops<T>::send,   Loops<T>::receive, Loops<T>::ping,  Loops<T>::pong,
};

// The functions for elements of a given size in bytes.
extern "C" const rings_boost *rings_boost_of(std::size_t bytes)
{
    switch (bytes) {
    case 3:
        return &functions<std::array<std::uint8_t, 3>>;
    case 4:
        return &functions<std::uint32_t>;
    case 8:
        return &functions<std::uint64_t>;
    case 24:
        return &functions<std::array<std::uint64_t, 3>>;
    default:
        return nullptr;
    }
}
