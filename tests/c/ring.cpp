// What each function of pa_ringbuffer.hpp promises.

#include <array>
#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include <pa_ringbuffer.hpp>

#include "check.h"

namespace {

using pa_ringbuffer::ring_buffer;
using pa_ringbuffer::ring_view;
using pa_ringbuffer::span;

struct Event {
    std::uint64_t frame;
    std::int32_t note;
    float velocity;
};

struct alignas(64) Line {
    std::uint64_t number;
};

// The message of the exception that a function throws.
template <class Exception, class Function>
std::string thrown(Function function)
{
    try {
        function();
    } catch (const Exception &error) {
        return error.what();
    }
    return "nothing was thrown";
}

bool contains(const std::string &text, const char *part)
{
    return text.find(part) != std::string::npos;
}

void elements_come_out_as_they_went_in()
{
    ring_buffer<Event> events(4);
    CHECK(events.capacity() == 4);
    CHECK(events.write_available() == 4 && events.read_available() == 0);
    for (int n = 0; n < 4; ++n)
        CHECK(events.push({48000u + static_cast<unsigned>(n), n, 0.5f}));
    CHECK(!events.push({0, 0, 0}));
    Event event{};
    for (int n = 0; n < 4; ++n) {
        CHECK(events.pop(event));
        CHECK(event.frame == 48000u + static_cast<unsigned>(n));
        CHECK(event.note == n && event.velocity == 0.5f);
    }
    CHECK(!events.pop(event));
    CHECK(event.note == 3);
}

void counts_are_those_of_what_was_transferred()
{
    ring_buffer<int> ring(8);
    const std::vector<int> twelve{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    CHECK(ring.write(twelve) == 8);
    std::array<int, 5> five{};
    CHECK(ring.read(five) == 5);
    CHECK(five[4] == 4);
    const int two[] = {20, 21};
    CHECK(ring.write(two) == 2);
    CHECK(ring.discard(2) == 2);
    int rest[9] = {};
    CHECK(ring.read(rest, 9) == 3);
    CHECK(rest[0] == 7 && rest[2] == 21 && rest[3] == 0);
    CHECK(ring.discard(1) == 0);
    CHECK(ring.write(twelve.data(), 3) == 3);
    ring.flush();
    CHECK(ring.read_available() == 0);
}

void chunks_are_handed_over_by_commit()
{
    ring_buffer<int> ring(8);
    {
        auto chunk = ring.write_chunk(5);
        CHECK(chunk.size() == 5 && chunk.second.empty());
        chunk[0] = 1;
    }
    CHECK(ring.read_available() == 0);
    auto chunk = ring.write_chunk(5);
    for (std::size_t n = 0; n < chunk.size(); ++n)
        chunk[n] = static_cast<int>(n);
    chunk.commit(3);
    chunk.commit(2);
    CHECK(ring.read_available() == 3);
    auto oldest = ring.read_chunk(100);
    static_assert(std::is_same_v<decltype(oldest[0]), const int &>);
    CHECK(oldest.size() == 3 && oldest[2] == 2);
    oldest.commit();
    CHECK(ring.write_available() == 8);
}

void chunks_have_two_pieces_at_the_end_of_the_memory()
{
    ring_buffer<int> ring(8);
    auto chunk = ring.write_chunk(6);
    chunk.commit();
    CHECK(ring.discard(6) == 6);
    auto wrapped = ring.write_chunk(5);
    CHECK(wrapped.first.size() == 2 && wrapped.second.size() == 3);
    for (std::size_t n = 0; n < 5; ++n)
        wrapped[n] = static_cast<int>(n) + 1;
    wrapped.commit(1000);
    auto read = ring.read_chunk(5);
    int sum = 0;
    for (int element : read.first)
        sum += element;
    CHECK(sum == 1 + 2);
    for (int element : read.second)
        sum += element;
    CHECK(sum == 15);
}

void a_view_is_of_a_ring_of_the_same_elements()
{
    ring_buffer<Event> events(4);
    ring_view<Event> view(events.address());
    CHECK(view.get() == events.get());
    view.push({1, 2, 3});
    CHECK(events.read_available() == 1);
    CHECK(contains(thrown<std::invalid_argument>([&] { ring_view<double> wrong(events.get()); }),
                   "elements of 8 bytes, not 16"));
    CHECK(contains(thrown<std::invalid_argument>([] { ring_view<int> null(std::uintptr_t{0}); }),
                   "must not be null"));
    alignas(8) char bytes[4 * 8 + 1];
    PaUtilRingBuffer odd;
    CHECK(PaUtil_InitializeRingBuffer(&odd, 8, 4, bytes + 1) == 0);
    CHECK(contains(thrown<std::invalid_argument>([&] { ring_view<double> wrong(&odd); }),
                   "multiples of 8 bytes"));
}

void a_capacity_is_a_power_of_two()
{
    CHECK(contains(thrown<std::invalid_argument>([] { ring_buffer<int> ring(12); }),
                   "capacity must be a power of 2, not 12"));
    CHECK(contains(thrown<std::invalid_argument>([] { ring_buffer<int> ring(0); }), "not 0"));
    CHECK(!contains(thrown<std::bad_alloc>(
                        [] { ring_buffer<Event> ring((~std::size_t{0} >> 1) + 1); }),
                    "nothing was thrown"));
}

void elements_are_aligned_and_zero_at_first()
{
    ring_buffer<Line> lines(2);
    auto chunk = lines.write_chunk(2);
    for (Line &line : chunk.first) {
        CHECK(reinterpret_cast<std::uintptr_t>(&line) % 64 == 0);
        CHECK(line.number == 0);
    }
}

void two_threads_use_both_sides()
{
    constexpr std::uint64_t count = 100000;
    ring_buffer<std::uint64_t> ring(256);
    std::thread producer([&ring] {
        for (std::uint64_t n = 0; n < count;) {
            auto chunk = ring.write_chunk(100);
            for (std::size_t i = 0; i < chunk.size(); ++i)
                chunk[i] = n++;
            chunk.commit();
            if (chunk.empty())
                std::this_thread::yield();
        }
    });
    for (std::uint64_t n = 0, element; n < count;) {
        if (ring.pop(element))
            CHECK(element == n++);
        else
            std::this_thread::yield();
    }
    producer.join();
}

static_assert(!std::is_copy_constructible_v<ring_buffer<int>>);
static_assert(!std::is_move_constructible_v<ring_buffer<int>>);
static_assert(noexcept(std::declval<ring_buffer<int> &>().push(1)));
static_assert(noexcept(std::declval<ring_buffer<int> &>().read_chunk(1)));
static_assert(std::is_convertible_v<span<int>, span<const int>>);
static_assert(!std::is_convertible_v<span<const int>, span<int>>);

}  // namespace

int main()
{
    elements_come_out_as_they_went_in();
    counts_are_those_of_what_was_transferred();
    chunks_are_handed_over_by_commit();
    chunks_have_two_pieces_at_the_end_of_the_memory();
    a_view_is_of_a_ring_of_the_same_elements();
    a_capacity_is_a_power_of_two();
    elements_are_aligned_and_zero_at_first();
    two_threads_use_both_sides();
}
