//! What the processes of runs use, as `/proc` shows it.

use std::collections::HashMap;

use super::processes::{self, Process};

/// What a family of processes uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Footprint {
    /// CPU time so far, of those that live.
    pub cpu_ms: u64,
    /// Memory that is theirs now; what they share counts for each.
    pub memory_bytes: u64,
    /// Processes and threads.
    pub pids: u64,
}

/// All processes of the machine at one moment.
#[derive(Debug)]
pub struct Census {
    children: HashMap<u32, Vec<Process>>,
    tick_ms: u64,
    page_bytes: u64,
}

impl Census {
    pub fn take() -> Self {
        let ticks = rustix::param::clock_ticks_per_second().max(1);
        Self::of(processes::all(), 1000 / ticks, rustix::param::page_size() as u64)
    }

    fn of(all: Vec<Process>, tick_ms: u64, page_bytes: u64) -> Self {
        let mut children: HashMap<u32, Vec<Process>> = HashMap::new();
        for process in all {
            children.entry(process.parent).or_default().push(process);
        }
        Self { children, tick_ms, page_bytes }
    }

    /// What the descendants of a process use, itself not among them.
    pub fn below(&self, pid: u32) -> Footprint {
        let mut sum = Footprint::default();
        let mut parents = vec![pid];
        while let Some(parent) = parents.pop() {
            for child in self.children.get(&parent).into_iter().flatten() {
                parents.push(child.pid);
                sum.cpu_ms += child.cpu_ticks * self.tick_ms;
                sum.memory_bytes += child.memory_pages * self.page_bytes;
                sum.pids += child.threads;
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_all_that_descends_from_its_head() {
        let process = |pid, parent| Process {
            pid,
            parent,
            group: pid,
            zombie: false,
            still: false,
            started_ticks: 1,
            cpu_ticks: 5,
            memory_pages: 2,
            threads: 3,
        };
        let census = Census::of(vec![process(2, 1), process(3, 2), process(4, 3)], 10, 4096);
        let two = Footprint { cpu_ms: 100, memory_bytes: 16384, pids: 6 };
        assert_eq!(census.below(2), two);
        assert_eq!(census.below(4), Footprint::default());
        assert!(Census::take().below(0).pids > 0);
    }
}
