/*
 * The lock-free ring buffer for C++17: typed elements, views of them in place, memory that frees itself.
 *
 *     struct Event { std::uint64_t frame; std::int32_t note; float velocity; };
 *
 *     pa_ringbuffer::ring_buffer<Event> events(256);           // or, for a ring that Python has made:
 *     pa_ringbuffer::ring_view<Event> events(address);
 *
 *     events.push({48000, 60, 0.5f});                          // one thread
 *     for (Event event; events.pop(event);) { ... }            // another one, the callback maybe
 *
 * One thread may write while another one reads. Functions of the producer: push(), write(),
 * write_chunk(). Functions of the consumer: pop(), read(), read_chunk(), discard(). All of them are
 * noexcept and real-time safe: they neither wait, nor allocate memory, nor make system calls. Only
 * constructors throw.
 *
 * Needs nothing but the C functions, wherever they come from.
 */

#ifndef PA_RINGBUFFER_HPP
#define PA_RINGBUFFER_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "pa_ringbuffer.h"

namespace pa_ringbuffer {

/* Contiguous elements: what std::span is in C++20. */
template <class T>
class span {
public:
    constexpr span() noexcept = default;
    constexpr span(T *data, std::size_t size) noexcept : data_(data), size_(size) {}
    template <std::size_t N>
    constexpr span(T (&array)[N]) noexcept : data_(array), size_(N) {}
    /* A container with data() and size(), or a span of elements that are not const. */
    template <class Container,
              class = std::enable_if_t<std::is_convertible_v<
                  std::remove_pointer_t<decltype(std::declval<Container &>().data())> (*)[],
                  T (*)[]>>>
    constexpr span(Container &&container) noexcept
        : data_(container.data()), size_(container.size()) {}

    constexpr T *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr T *begin() const noexcept { return data_; }
    constexpr T *end() const noexcept { return data_ + size_; }
    constexpr T &operator[](std::size_t index) const noexcept { return data_[index]; }

private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};

namespace detail {

/* No more than fits into the type that the C functions have for counts. */
constexpr ring_buffer_size_t count(std::size_t number) noexcept
{
    constexpr auto most = std::numeric_limits<ring_buffer_size_t>::max();
    return number > static_cast<std::size_t>(most) ? most
                                                   : static_cast<ring_buffer_size_t>(number);
}

}  // namespace detail

/*
 * Elements of a ring in place: two pieces, of which the second one is empty unless the end of the
 * ring's memory comes in between. Nothing is handed over before commit().
 */
template <class T>
class chunk {
    using Advance = ring_buffer_size_t(PaUtilRingBuffer *, ring_buffer_size_t);

public:
    const span<T> first, second;

    std::size_t size() const noexcept { return first.size() + second.size(); }
    bool empty() const noexcept { return size() == 0; }
    /* The element `index`, which must be less than size(). */
    T &operator[](std::size_t index) const noexcept
    {
        return index < first.size() ? first[index] : second[index - first.size()];
    }

    /*
     * Hands over the first `count` elements, or all if there are fewer: after writing, to the
     * consumer; after reading, their room to the producer. Once.
     */
    void commit(std::size_t count) noexcept
    {
        count = count < left_ ? count : left_;
        left_ = 0;
        if (count != 0)
            advance_(ring_, static_cast<ring_buffer_size_t>(count));
    }
    void commit() noexcept { commit(left_); }

    chunk(PaUtilRingBuffer *ring, Advance *advance, span<T> first_piece,
          span<T> second_piece) noexcept
        : first(first_piece), second(second_piece), ring_(ring), advance_(advance), left_(size())
    {
    }
    chunk(const chunk &) = delete;
    chunk &operator=(const chunk &) = delete;

private:
    PaUtilRingBuffer *ring_;
    Advance *advance_;
    std::size_t left_;
};

/* A ring that something else owns: Python, or C. It must outlive the view. */
template <class T>
class ring_view {
    static_assert(std::is_trivially_copyable_v<T>, "elements are copied as bytes");
    static_assert(!std::is_const_v<T>, "elements are written");

public:
    using value_type = T;

    /*
     * Throws std::invalid_argument if the pointer is null, or if the elements of the ring have
     * another size, or are not aligned as T has to be.
     */
    explicit ring_view(PaUtilRingBuffer *ring) : ring_(ring)
    {
        if (ring == nullptr)
            throw std::invalid_argument("ring must not be null");
        if (ring->elementSizeBytes != static_cast<ring_buffer_size_t>(sizeof(T)))
            throw std::invalid_argument(
                "ring must have elements of " + std::to_string(sizeof(T)) + " bytes, not " +
                std::to_string(ring->elementSizeBytes));
        if (reinterpret_cast<std::uintptr_t>(ring->buffer) % alignof(T) != 0)
            throw std::invalid_argument("ring must have elements at multiples of " +
                                        std::to_string(alignof(T)) + " bytes");
    }

    /* The same for the address of the struct, `RingBuffer.address` in Python. */
    explicit ring_view(std::uintptr_t address)
        : ring_view(reinterpret_cast<PaUtilRingBuffer *>(address))
    {
    }

    /* The C struct. */
    PaUtilRingBuffer *get() const noexcept { return ring_; }
    std::uintptr_t address() const noexcept { return reinterpret_cast<std::uintptr_t>(ring_); }

    /* The number of elements that there is memory for. */
    std::size_t capacity() const noexcept { return static_cast<std::size_t>(ring_->bufferSize); }
    std::size_t read_available() const noexcept
    {
        return static_cast<std::size_t>(PaUtil_GetRingBufferReadAvailable(ring_));
    }
    std::size_t write_available() const noexcept
    {
        return static_cast<std::size_t>(PaUtil_GetRingBufferWriteAvailable(ring_));
    }

    /* Copies elements into the ring, as many as there is room for, and returns their number. */
    std::size_t write(span<const T> elements) noexcept
    {
        return static_cast<std::size_t>(
            PaUtil_WriteRingBuffer(ring_, elements.data(), detail::count(elements.size())));
    }
    std::size_t write(const T *elements, std::size_t size) noexcept
    {
        return write(span<const T>(elements, size));
    }
    /* Copies one element into the ring, and returns whether there was room for it. */
    bool push(const T &element) noexcept { return write(&element, 1) == 1; }

    /* Moves elements out of the ring, as many as there are, and returns their number. */
    std::size_t read(span<T> elements) noexcept
    {
        return static_cast<std::size_t>(
            PaUtil_ReadRingBuffer(ring_, elements.data(), detail::count(elements.size())));
    }
    std::size_t read(T *elements, std::size_t size) noexcept
    {
        return read(span<T>(elements, size));
    }
    /* Moves one element out of the ring, and returns whether there was one. */
    bool pop(T &element) noexcept { return read(&element, 1) == 1; }

    /* Drops the oldest elements, and returns how many those were. */
    std::size_t discard(std::size_t size) noexcept
    {
        auto oldest = read_chunk(size);
        oldest.commit();
        return oldest.size();
    }

    /* Where the next elements can be written in place: `size`, or as many as there is room for. */
    chunk<T> write_chunk(std::size_t size) noexcept
    {
        pieces p;
        PaUtil_GetRingBufferWriteRegions(ring_, detail::count(size), &p.first, &p.first_size,
                                         &p.second, &p.second_size);
        return {ring_, PaUtil_AdvanceRingBufferWriteIndex, p.template one<T>(), p.template two<T>()};
    }
    /* Where the oldest elements can be read in place: `size`, or as many as there are. */
    chunk<const T> read_chunk(std::size_t size) noexcept
    {
        pieces p;
        PaUtil_GetRingBufferReadRegions(ring_, detail::count(size), &p.first, &p.first_size,
                                        &p.second, &p.second_size);
        return {ring_, PaUtil_AdvanceRingBufferReadIndex, p.template one<const T>(),
                p.template two<const T>()};
    }

private:
    struct pieces {
        void *first = nullptr, *second = nullptr;
        ring_buffer_size_t first_size = 0, second_size = 0;

        template <class U>
        span<U> one() const noexcept
        {
            return {static_cast<U *>(first), static_cast<std::size_t>(first_size)};
        }
        template <class U>
        span<U> two() const noexcept
        {
            return {static_cast<U *>(second), static_cast<std::size_t>(second_size)};
        }
    };

    PaUtilRingBuffer *ring_;
};

namespace detail {

struct aligned_delete {
    std::align_val_t alignment;
    void operator()(char *memory) const noexcept { ::operator delete(memory, alignment); }
};

/* The struct and the elements. */
template <class T>
class storage {
public:
    /* Throws std::invalid_argument or std::bad_alloc. */
    explicit storage(std::size_t capacity)
        : memory_(nullptr, aligned_delete{std::align_val_t(alignof(T))})
    {
        if (capacity == 0 || (capacity & (capacity - 1)) != 0)
            throw std::invalid_argument("capacity must be a power of 2, not " +
                                        std::to_string(capacity));
        if (capacity > static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) / sizeof(T))
            throw std::bad_alloc();
        const auto alignment = std::align_val_t(alignof(T));
        memory_.reset(static_cast<char *>(::operator new(capacity * sizeof(T), alignment)));
        std::memset(memory_.get(), 0, capacity * sizeof(T));
        if (PaUtil_InitializeRingBuffer(&struct_, count(sizeof(T)), count(capacity), memory_.get()) != 0)
            throw std::bad_alloc();
    }

protected:
    PaUtilRingBuffer struct_{};

private:
    std::unique_ptr<char, aligned_delete> memory_;
};

}  // namespace detail

/*
 * A ring that owns its memory, whose bytes are zero at first. It stays where it is made, because
 * others know its address: it can be neither copied nor moved.
 */
template <class T>
class ring_buffer : private detail::storage<T>, public ring_view<T> {
public:
    /* Throws std::invalid_argument if the capacity is no power of 2, and std::bad_alloc. */
    explicit ring_buffer(std::size_t capacity)
        : detail::storage<T>(capacity), ring_view<T>(&this->struct_)
    {
    }
    ring_buffer(const ring_buffer &) = delete;
    ring_buffer &operator=(const ring_buffer &) = delete;

    /* Makes the ring empty. Not while another thread uses it. */
    void flush() noexcept { PaUtil_FlushRingBuffer(this->get()); }
};

}  // namespace pa_ringbuffer

#endif /* PA_RINGBUFFER_HPP */
