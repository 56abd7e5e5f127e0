// A sampler: a class around three rings that Python has made, and the PortAudio callback that plays.

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <pa_ringbuffer.hpp>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

namespace py = pybind11;
using pa_ringbuffer::ring_view;

namespace {

// A message, in both directions: a note, and the frame at which it begins.
struct Event {
    std::uint64_t frame;
    std::int32_t note;
    float velocity;
};

struct Voice {
    std::uint64_t begin = 0;
    double step = 0;
    float velocity = 0;
    bool playing = false;
};

class Sampler {
public:
    using Floats = py::array_t<float, py::array::c_style | py::array::forcecast>;
    using Steps = py::array_t<double, py::array::c_style | py::array::forcecast>;

    // Takes objects of the class RingBuffer, and keeps them. ring_view checks the size of elements.
    Sampler(py::object events, py::object started, py::object recorded, const Floats &sound,
            const Steps &steps)
        : events_(address(events)), started_(address(started)), recorded_(address(recorded)),
          kept_{std::move(events), std::move(started), std::move(recorded)},
          sound_(sound.data(), sound.data() + sound.size()),
          steps_(steps.data(), steps.data() + steps.size())
    {
        if (steps_.size() != 128)
            throw std::invalid_argument("steps must be 128 numbers, not " +
                                        std::to_string(steps_.size()));
    }

    // Called by the audio thread. Real-time safe.
    void play(const float *input, float *output, std::size_t frames) noexcept
    {
        const auto end = frame_ + frames;
        lost_ += frames - recorded_.write(input, frames);
        std::fill_n(output, frames, 0.0f);
        begin_notes(end);
        for (Voice &voice : voices_) {
            for (auto frame = std::max(voice.begin, frame_); voice.playing && frame < end; ++frame) {
                const auto n = static_cast<std::size_t>(
                    static_cast<double>(frame - voice.begin) * voice.step);
                if (n < sound_.size())
                    output[frame - frame_] += voice.velocity * sound_[n];
                else
                    voice.playing = false;
            }
        }
        frame_ = end;
    }

    std::uint64_t lost() const { return lost_; }

private:
    static std::uintptr_t address(const py::object &ring)
    {
        return ring.attr("address").cast<std::uintptr_t>();
    }

    void begin_notes(std::uint64_t end) noexcept
    {
        // Notes that are not due stay in the ring.
        auto waiting = events_.read_chunk(events_.capacity());
        std::size_t begun = 0;
        for (; begun < waiting.size() && waiting[begun].frame < end; ++begun) {
            Event event = waiting[begun];
            // A note that comes too late begins at once.
            event.frame = std::max(event.frame, frame_);
            auto voice = std::find_if(voices_.begin(), voices_.end(),
                                      [](const Voice &v) { return !v.playing; });
            if (voice == voices_.end())
                voice = voices_.begin() + static_cast<std::ptrdiff_t>(oldest_);
            oldest_ = static_cast<std::size_t>(voice - voices_.begin() + 1) % voices_.size();
            *voice = {event.frame, steps_[static_cast<std::size_t>(event.note & 127)],
                      event.velocity, true};
            // If Python does not read, it misses messages; the sound goes on.
            started_.push(event);
        }
        waiting.commit(begun);
    }

    ring_view<Event> events_, started_;
    ring_view<float> recorded_;
    std::array<py::object, 3> kept_;
    std::vector<float> sound_;
    std::vector<double> steps_;
    std::array<Voice, 16> voices_{};
    std::size_t oldest_ = 0;
    std::uint64_t frame_ = 0, lost_ = 0;
};

extern "C" int sampler_callback(const void *input, void *output, unsigned long frames,
                                const void *, unsigned long, void *userdata)
{
    static_cast<Sampler *>(userdata)->play(static_cast<const float *>(input),
                                           static_cast<float *>(output), frames);
    return 0;
}

}  // namespace

PYBIND11_MODULE(_sampler, module)
{
    module.attr("callback") = reinterpret_cast<std::uintptr_t>(&sampler_callback);
    py::class_<Sampler>(module, "Sampler")
        .def(py::init<py::object, py::object, py::object, Sampler::Floats, Sampler::Steps>(),
             py::arg("events"), py::arg("started"), py::arg("recorded"), py::arg("sound"),
             py::arg("steps"))
        .def_property_readonly("lost", &Sampler::lost)
        .def_property_readonly("address", [](const Sampler &sampler) {
            return reinterpret_cast<std::uintptr_t>(&sampler);
        });
}
