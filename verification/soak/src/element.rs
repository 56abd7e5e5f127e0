//! What elements are made of: the number of the element, mixed with the position of each eight bytes
//! in it. That is number and checksum in one: every bit depends on the number, so an element that
//! is not whole, or not the one expected, has other bytes (of 3 bytes, one in 16 million has not).

/// One round of splitmix64 (Steele, Lea, Flood 2014).
fn mix(number: u64) -> u64 {
    let x = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

fn words(number: u64, size: usize) -> impl Iterator<Item = [u8; 8]> {
    (0..size.div_ceil(8) as u64).map(move |word| mix(number + (word << 48)).to_le_bytes())
}

/// Makes the elements from number `first` on.
pub fn fill(first: u64, element_size: usize, bytes: &mut [u8]) {
    for (number, element) in (first..).zip(bytes.chunks_exact_mut(element_size)) {
        for (part, word) in element.chunks_mut(8).zip(words(number, element_size)) {
            part.copy_from_slice(&word[..part.len()]);
        }
    }
}

fn is(number: u64, element: &[u8]) -> bool {
    let words = words(number, element.len());
    element
        .chunks(8)
        .zip(words)
        .all(|(part, word)| *part == word[..part.len()])
}

/// Looks at elements, adds what they hold to the sum, and describes the first one that is not the
/// expected one.
///
/// # Errors
///
/// The description.
pub fn expect(first: u64, element_size: usize, bytes: &[u8], sum: &mut u64) -> Result<(), String> {
    for (number, element) in (first..).zip(bytes.chunks_exact(element_size)) {
        if !is(number, element) {
            return Err(describe(number, element));
        }
        let mut word = [0; 8];
        let known = element_size.min(8);
        word[..known].copy_from_slice(&element[..known]);
        *sum = sum.wrapping_add(u64::from_le_bytes(word));
    }
    Ok(())
}

fn describe(number: u64, element: &[u8]) -> String {
    let mut right = vec![0; element.len()];
    fill(number, element.len(), &mut right);
    let same = element.iter().zip(&right).filter(|(a, b)| a == b).count();
    let near = number.saturating_sub(1 << 20)..number + (1 << 20);
    let what = match near.into_iter().find(|&other| is(other, element)) {
        Some(other) => format!("it is element {other}"),
        None => format!("{same} of its {} bytes are right", element.len()),
    };
    format!("element {number} is wrong: {what}; {element:02x?}, not {right:02x?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_element_is_described() {
        for size in [3, 4, 8, 24, 100] {
            let mut bytes = vec![0; 5 * size];
            fill(70, size, &mut bytes);
            assert_eq!(expect(70, size, &bytes, &mut 0), Ok(()));
            let shifted = expect(69, size, &bytes, &mut 0).unwrap_err();
            assert!(
                shifted.contains("element 69 is wrong: it is element 70"),
                "{shifted}"
            );
            bytes[2 * size] ^= 1;
            let torn = expect(70, size, &bytes, &mut 0).unwrap_err();
            assert!(torn.starts_with("element 72 is wrong"), "{torn}");
        }
    }
}
