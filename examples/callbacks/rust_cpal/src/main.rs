//! A sampler. One ring carries notes to the audio callback; a second one carries back which note
//! has begun, and when.
//!
//!     cargo run --release              # the default device
//!     cargo run --release -- --virtual # no device: renders the tune, and compares every sample

use std::error::Error;
use std::thread::sleep;
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use pa_ringbuffer::{Consumer, Plain, Producer, RingBuffer};

const USAGE: &str = "usage: sampler [--virtual] [--host NAME] [--device NAME]";
const VOICES: usize = 16;
/// The note that plays the sound as it is; every twelve notes above, it is twice as fast.
const BASE_NOTE: i32 = 60;

/// A note, and the frame at which it begins.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Event {
    frame: u64,
    note: i32,
    velocity: f32,
}

// SAFETY: it has no padding, and any bits are a value.
unsafe impl Plain for Event {}

/// How fast a note plays the sound.
fn speed(note: i32) -> f64 {
    (f64::from(note - BASE_NOTE) / 12.0).exp2()
}

#[derive(Clone, Copy)]
struct Voice {
    begin: u64,
    step: f64,
    velocity: f32,
}

/// What the callback works on. It allocates nothing, and never waits.
struct Sampler {
    events: Consumer<'static, Event>,
    started: Producer<'static, Event>,
    sound: Vec<f32>,
    voices: [Option<Voice>; VOICES],
    oldest: usize,
    /// The number of the frame that is played next.
    frame: u64,
}

impl Sampler {
    fn new(
        sound: Vec<f32>,
        events: Consumer<'static, Event>,
        started: Producer<'static, Event>,
    ) -> Self {
        Self {
            events,
            started,
            sound,
            voices: [None; VOICES],
            oldest: 0,
            frame: 0,
        }
    }

    /// Begins the notes that are due before the frame `end`: too late ones at once.
    fn begin_notes(&mut self, end: u64) {
        while let Some(event) = self.events.peek().filter(|event| event.frame < end) {
            self.events.discard(1);
            let begin = event.frame.max(self.frame);
            let free = self.voices.iter().position(Option::is_none);
            let number = free.unwrap_or(self.oldest);
            self.oldest = (number + 1) % VOICES;
            self.voices[number] = Some(Voice {
                begin,
                step: speed(event.note),
                velocity: event.velocity,
            });
            // Does the main thread not read? Then it misses messages; the sound goes on.
            let _ = self.started.push(Event {
                frame: begin,
                ..event
            });
        }
    }

    fn play(&mut self, output: &mut [f32], channels: usize) {
        output.fill(0.0);
        let end = self.frame + (output.len() / channels) as u64;
        self.begin_notes(end);
        for slot in &mut self.voices {
            let Some(voice) = *slot else { continue };
            let first = voice.begin.max(self.frame);
            let frames = output.chunks_exact_mut(channels);
            for (frame, samples) in (first..end).zip(frames.skip((first - self.frame) as usize)) {
                let index = ((frame - voice.begin) as f64 * voice.step) as usize;
                let Some(sample) = self.sound.get(index) else {
                    *slot = None;
                    break;
                };
                samples
                    .iter_mut()
                    .for_each(|out| *out += voice.velocity * sample);
            }
        }
        self.frame = end;
    }
}

/// A string that is plucked, for 0.4 seconds.
fn pluck(rate: f64) -> Vec<f32> {
    let length = (0.4 * rate) as usize;
    let sample = |n: usize| {
        let time = n as f64 / rate;
        (-8.0 * time).exp() * (std::f64::consts::TAU * 220.0 * time).cos()
    };
    (0..length).map(|n| sample(n) as f32).collect()
}

/// A note every quarter of a second, from a quarter of a second on.
fn tune(rate: f64) -> Vec<Event> {
    let notes = [48, 60, 67, 72, 64, 60, 55, 48];
    let event = |(number, note): (usize, i32)| Event {
        frame: ((number + 1) as f64 * 0.25 * rate) as u64,
        note,
        velocity: if number % 4 == 0 { 0.5 } else { 0.25 },
    };
    notes.into_iter().enumerate().map(event).collect()
}

/// The handles of the main thread, and the sampler with the other ones.
type Parts = (Producer<'static, Event>, Consumer<'static, Event>, Sampler);

fn parts(rate: f64) -> Result<Parts, Box<dyn Error>> {
    let (to_callback, events) = RingBuffer::<Event>::new(256)?.split();
    let (started, from_callback) = RingBuffer::<Event>::new(256)?.split();
    let sampler = Sampler::new(pluck(rate), events, started);
    Ok((to_callback, from_callback, sampler))
}

/// Plays the tune on a device, and prints what the callback tells.
fn perform(host: Option<&str>, name: Option<&str>) -> Result<(), Box<dyn Error>> {
    let host = match host {
        None => cpal::default_host(),
        Some(wanted) => {
            let ids = cpal::available_hosts();
            let found = ids.iter().find(|id| id.name().eq_ignore_ascii_case(wanted));
            cpal::host_from_id(
                *found.ok_or_else(|| format!("there is no host '{wanted}': {ids:?}"))?,
            )?
        }
    };
    let device = match name {
        None => host.default_output_device(),
        Some(part) => {
            (host.output_devices()?).find(|device| device.name().is_ok_and(|n| n.contains(part)))
        }
    };
    let device = device.ok_or("there is no such output device")?;
    let config = device.default_output_config()?;
    if config.sample_format() != cpal::SampleFormat::F32 {
        return Err(format!("the device wants {} instead of f32", config.sample_format()).into());
    }
    let rate = f64::from(config.sample_rate().0);
    let channels = usize::from(config.channels());
    let (mut to_callback, mut from_callback, mut sampler) = parts(rate)?;
    let events = tune(rate);
    to_callback.write_all(&events)?;
    let stream = device.build_output_stream(
        &config.config(),
        move |output: &mut [f32], _: &cpal::OutputCallbackInfo| sampler.play(output, channels),
        |error| eprintln!("sampler: {error}"),
        None,
    )?;
    stream.play()?;
    let mut begun = 0;
    while begun < events.len() {
        sleep(Duration::from_millis(10));
        while let Some(event) = from_callback.pop() {
            println!("note {} at {:.3} s", event.note, event.frame as f64 / rate);
            begun += 1;
        }
    }
    // Let the last note end.
    sleep(Duration::from_millis(600));
    Ok(())
}

/// Renders the tune in blocks of all sizes, and compares it with what it has to be.
fn check() -> Result<(), Box<dyn Error>> {
    let rate = 48000.0;
    let (mut to_callback, mut from_callback, mut sampler) = parts(rate)?;
    let events = tune(rate);
    to_callback.write_all(&events)?;
    let mut output = vec![0.0; 3 * rate as usize];
    let mut rest = &mut output[..];
    for size in (1..=512).cycle() {
        let (block, after) = rest.split_at_mut(rest.len().min(size));
        sampler.play(block, 1);
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    let mut expected = vec![0.0; output.len()];
    for event in &events {
        let step = speed(event.note);
        let sound = pluck(rate);
        for (n, out) in expected[event.frame as usize..].iter_mut().enumerate() {
            let Some(sample) = sound.get((n as f64 * step) as usize) else {
                break;
            };
            *out += event.velocity * sample;
        }
    }
    // Voices may be added in another order.
    let wrong = output
        .iter()
        .zip(&expected)
        .filter(|(a, b)| (**a - **b).abs() > 1e-6)
        .count();
    let begun: Vec<Event> = std::iter::from_fn(|| from_callback.pop()).collect();
    if wrong != 0 || begun != events {
        return Err(format!("{wrong} of {} samples are wrong", output.len()).into());
    }
    println!(
        "{} notes, {} samples, all as expected",
        events.len(),
        output.len()
    );
    Ok(())
}

fn run() -> Result<(), Box<dyn Error>> {
    let (mut host, mut device, mut offline) = (None, None, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .ok_or(format!("{argument} needs a value ({USAGE})"))
        };
        match argument.as_str() {
            "--virtual" => offline = true,
            "--host" => host = Some(value()?),
            "--device" => device = Some(value()?),
            _ => return Err(format!("there is no argument '{argument}' ({USAGE})").into()),
        }
    }
    if offline {
        check()
    } else {
        perform(host.as_deref(), device.as_deref())
    }
}

fn main() -> std::process::ExitCode {
    match run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sampler: {error}");
            std::process::ExitCode::from(2)
        }
    }
}
