//! Every change of what a connection holds is counted, and when memory is short less is held.

use super::Host;
use crate::budget::{Budget, LEAST_BYTES, Pressure};
use crate::record::Record;
use sockeye_tcp::Segment;
use sockeye_wire::{Flags, Payload};

impl Host {
    /// Does something to a connection that may change what it holds.
    #[inline]
    pub(super) fn counted<T>(
        &mut self,
        index: u32,
        change: impl FnOnce(&mut Record) -> T,
    ) -> Option<T> {
        let record = self.connections.at_mut(index)?;
        let before = record.connection.buffered();
        let result = change(record);
        self.budget.changed(before, record.connection.buffered());
        Some(result)
    }

    /// A segment arrives for a connection while memory is short.
    #[cold]
    pub(super) fn relieve(&mut self, index: u32, segment: &mut Segment) {
        let pressure = self.budget.pressure();
        let Some(record) = self.connections.at_mut(index) else { return };
        let connection = &mut record.connection;
        connection.hold_back((pressure >= Pressure::Windows).then_some(LEAST_BYTES as u32));
        if pressure >= Pressure::Scarce {
            let before = connection.buffered();
            if before.out_of_order_bytes > 0 {
                connection.forget_out_of_order();
                self.counters.dropped_memory_out_of_order += 1;
            }
            let held = connection.buffered();
            self.budget.changed(before, held);
            let is_next = connection.is_next(segment);
            let room = pressure < Pressure::Full || held.receive_bytes < LEAST_BYTES;
            if !(segment.payload.is_empty() || is_next && room) {
                // The rest of it counts, its acknowledgement above all.
                segment.payload = Payload::empty();
                segment.flags = segment.flags - Flags::FIN;
                if is_next {
                    self.counters.dropped_memory_in_order += 1;
                } else {
                    self.counters.dropped_memory_out_of_order += 1;
                }
            }
        }
    }

    /// Whether memory is too short for anything new.
    #[inline]
    pub(super) fn is_short(&self) -> bool {
        self.budget.pressure() >= Pressure::Scarce
    }

    /// What all connections hold, the slow way.
    #[cfg(test)]
    pub(super) fn held_by_all(&self) -> sockeye_tcp::Buffered {
        let mut all = sockeye_tcp::Buffered::default();
        for index in self.connections.indices() {
            let Some(record) = self.connections.at(index) else { continue };
            let held = record.connection.buffered();
            all.send_bytes += held.send_bytes;
            all.receive_bytes += held.receive_bytes;
            all.out_of_order_bytes += held.out_of_order_bytes;
        }
        all
    }
}

/// How many of `wanted` octets may be written to a connection.
#[inline]
pub(super) fn writable_under_pressure(budget: &Budget, record: &Record, wanted: usize) -> usize {
    let most = match budget.pressure() {
        Pressure::None => return wanted,
        Pressure::Growth => record.connection.config().initial_send_buffer_bytes as usize,
        _ => LEAST_BYTES,
    };
    wanted.min(most.max(LEAST_BYTES).saturating_sub(record.connection.buffered().send_bytes))
}
