//! Memory that the system has promised but not provided is a pause in the callback that no function
//! makes, and no system call shows.

use pa_ringbuffer::{Placement, RingMemory};

const COUNT: usize = 16;

#[test]
fn every_page_of_a_ring_is_there_when_it_is_made() {
    // Kept, so that no ring gets memory that another one has touched. Large enough to come from the
    // system and not from the allocator, and ending here and there in the last page.
    let mut rings = Vec::new();
    let page = page();
    for placement in [Placement::OneLine, Placement::TwoLines] {
        for rest in (0..page).step_by(page / 32) {
            for more in [0, COUNT] {
                let element_size = (40 * page + rest + more) / COUNT;
                let ring = RingMemory::with_placement(element_size, COUNT, placement).unwrap();
                assert!(is_there(&ring), "{placement:?}, {element_size} bytes");
                rings.push(ring);
            }
        }
    }
}

fn page() -> usize {
    // SAFETY: it takes and returns a number.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}

fn is_there(ring: &RingMemory) -> bool {
    let page = page();
    let geometry = ring.geometry();
    let first = geometry.buffer().addr() & !(page - 1);
    let end = geometry.buffer().addr() + geometry.size() * geometry.element_size();
    let mut pages = vec![0u8; (end - first).div_ceil(page)];
    // SAFETY: the kernel only looks, and writes one byte for each of the pages.
    let answer = unsafe { libc::mincore(first as *mut _, end - first, pages.as_mut_ptr()) };
    assert_eq!(answer, 0, "{}", std::io::Error::last_os_error());
    pages.iter().all(|page| page & 1 == 1)
}
