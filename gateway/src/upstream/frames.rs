//! Where the frames of a WebSocket end (RFC 6455, 5.2), so that a goodbye can be put between two of them.

/// The close frame of a server that goes away (RFC 6455, 7.4.1: status 1001).
pub const GOING_AWAY: [u8; 4] = [0x88, 0x02, 0x03, 0xE9];

/// Follows the frames of one direction.
#[derive(Debug)]
pub struct Frames {
    /// What has come of the head of the present frame: at most 2 bytes, 8 of length, 4 of mask.
    head: [u8; 14],
    head_length: usize,
    /// What has not come yet of its payload, once the head is whole.
    payload: Option<u64>,
}

impl Frames {
    /// Before the first frame.
    pub const fn new() -> Self {
        Self { head: [0; 14], head_length: 0, payload: None }
    }

    /// Whether the last frame has ended and the next has not begun.
    pub fn is_between(&self) -> bool {
        self.head_length == 0 && self.payload.is_none()
    }

    /// Follows all of these bytes.
    pub fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let used = self.step(bytes);
            bytes = bytes.get(used..).unwrap_or_default();
        }
    }

    /// Follows these bytes up to the end of the present frame; how many there are, or nothing if it does not end
    /// in them.
    pub fn pass_to_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut used = 0;
        while !self.is_between() {
            let rest = bytes.get(used..).filter(|rest| !rest.is_empty())?;
            used = used.saturating_add(self.step(rest));
        }
        Some(used)
    }

    /// Takes at least one byte, and no more than to the end of a frame.
    fn step(&mut self, bytes: &[u8]) -> usize {
        if let Some(left) = self.payload {
            let used = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            let left = left.saturating_sub(u64::try_from(used).unwrap_or(u64::MAX));
            self.payload = Some(left);
            if left == 0 {
                *self = Self::new();
            }
            return used;
        }
        if let (Some(place), Some(&byte)) = (self.head.get_mut(self.head_length), bytes.first()) {
            *place = byte;
        }
        self.head_length = self.head_length.saturating_add(1);
        if self.head_length == self.whole_head() {
            match self.announced() {
                0 => *self = Self::new(),
                length => self.payload = Some(length),
            }
        }
        1
    }

    /// How long the head is, as far as its beginning tells.
    fn whole_head(&self) -> usize {
        let [_, second, ..] = self.head;
        if self.head_length < 2 {
            return 2;
        }
        let mask = if second & 0x80 == 0 { 0 } else { 4 };
        let length = match second & 0x7F {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        2 + mask + length
    }

    /// The length of the payload that the whole head announces.
    fn announced(&self) -> u64 {
        let [_, second, a, b, c, d, e, f, g, h, ..] = self.head;
        match second & 0x7F {
            126 => u64::from(u16::from_be_bytes([a, b])),
            127 => u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            length => u64::from(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A binary frame of this length.
    fn frame(length: usize, masked: bool) -> Vec<u8> {
        let mask = if masked { 0x80 } else { 0 };
        let mut frame = vec![0x82];
        match length {
            0..126 => frame.push(mask | u8::try_from(length).unwrap()),
            126..65_536 => {
                frame.push(mask | 126);
                frame.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            _ => {
                frame.push(mask | 127);
                frame.extend(u64::try_from(length).unwrap().to_be_bytes());
            }
        }
        frame.extend([7; 4].iter().filter(|_| masked));
        frame.extend(std::iter::repeat_n(1, length));
        frame
    }

    #[test]
    fn frames_end_where_they_end_however_the_bytes_come() {
        let lengths = [0, 1, 125, 126, 65_535, 65_536];
        for (length, masked) in lengths.into_iter().flat_map(|length| [(length, false), (length, true)]) {
            let frame = frame(length, masked);
            for first in [1, 2, 3, frame.len() - 1].into_iter().filter(|&first| first < frame.len()) {
                let mut frames = Frames::new();
                frames.pass(&frame[..first]);
                assert!(!frames.is_between(), "{length}, {first}");
                let mut rest = frame[first..].to_vec();
                rest.extend(b"next");
                assert_eq!(frames.pass_to_end(&rest), Some(frame.len() - first), "{length}, {first}");
                assert!(frames.is_between());
            }
            let mut frames = Frames::new();
            frames.pass(&[frame.clone(), frame.clone()].concat());
            assert!(frames.is_between(), "{length}");
            frames.pass(&frame[..1]);
            assert_eq!(frames.pass_to_end(&frame[1..frame.len() - 1]), None, "{length}");
        }
    }
}
