//! What a container uses.

use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::ContainerStatsResponse;
use bollard::query_parameters::StatsOptionsBuilder;
use futures_util::StreamExt as _;
use futures_util::future::join_all;

use super::container::is_missing;

/// What a container uses now.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// 100 is one CPU.
    pub cpu_percent: f64,
    /// Without what the kernel only keeps of files and gives back at once.
    pub memory_bytes: u64,
    pub memory_limit_bytes: Option<u64>,
    /// Processes and threads.
    pub pids: u64,
}

/// What these containers use, looked at twice with `apart` between; none for one that is gone. All
/// are asked side by side.
pub async fn usage(docker: &Docker, ids: &[String], apart: Duration) -> Vec<Option<Usage>> {
    let ask = || join_all(ids.iter().map(|id| sample(docker, id)));
    let earlier = ask().await;
    tokio::time::sleep(apart).await;
    let later = ask().await;
    let both = earlier.into_iter().zip(later);
    both.map(|(one, two)| Some(between(&one.ok()??, &two.ok()??))).collect()
}

/// What the engine says of a container at one moment.
pub type Sample = ContainerStatsResponse;

/// Looks once, at a container of this id or name; none when it is gone.
///
/// # Errors
/// When the engine cannot be asked.
pub async fn sample(docker: &Docker, id: &str) -> Result<Option<Sample>, Error> {
    let options = StatsOptionsBuilder::new().stream(false).one_shot(true).build();
    match docker.stats(id, Some(options)).next().await {
        Some(Err(error)) if is_missing(&error) => Ok(None),
        Some(sample) => sample.map(Some),
        None => Ok(None),
    }
}

/// What a container used from one look to a later one. CPU is zero when both are the same.
pub fn between(earlier: &Sample, later: &Sample) -> Usage {
    let used = |of: &ContainerStatsResponse| of.cpu_stats.as_ref()?.cpu_usage.as_ref()?.total_usage;
    let whole = |of: &ContainerStatsResponse| of.cpu_stats.as_ref()?.system_cpu_usage;
    let cpus = later.cpu_stats.as_ref().and_then(|cpu| cpu.online_cpus).unwrap_or(1);
    let grown = |of: &dyn Fn(&ContainerStatsResponse) -> Option<u64>| {
        of(later).zip(of(earlier)).map_or(0, |(later, earlier)| later.saturating_sub(earlier))
    };
    let (used, whole) = (grown(&used), grown(&whole));
    let memory = later.memory_stats.as_ref();
    let cache = memory.and_then(|memory| memory.stats.as_ref()).map_or(0, |stats| {
        // The first is of cgroup v2, the second of v1.
        let cache = stats.get("inactive_file").or_else(|| stats.get("total_inactive_file"));
        cache.copied().unwrap_or_default()
    });
    Usage {
        cpu_percent: match whole {
            0 => 0.0,
            whole => used as f64 / whole as f64 * f64::from(cpus) * 100.0,
        },
        memory_bytes: memory.and_then(|m| m.usage).unwrap_or_default().saturating_sub(cache),
        memory_limit_bytes: memory.and_then(|memory| memory.limit),
        pids: later.pids_stats.as_ref().and_then(|pids| pids.current).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::{
        ContainerCpuStats, ContainerCpuUsage, ContainerMemoryStats, ContainerPidsStats,
    };

    use super::*;

    fn sample(used: u64, whole: u64) -> ContainerStatsResponse {
        ContainerStatsResponse {
            cpu_stats: Some(ContainerCpuStats {
                cpu_usage: Some(ContainerCpuUsage {
                    total_usage: Some(used),
                    ..Default::default()
                }),
                system_cpu_usage: Some(whole),
                online_cpus: Some(4),
                ..Default::default()
            }),
            memory_stats: Some(ContainerMemoryStats {
                usage: Some(100),
                limit: Some(1000),
                stats: Some([("inactive_file".to_owned(), 30)].into()),
                ..Default::default()
            }),
            pids_stats: Some(ContainerPidsStats { current: Some(3), limit: None }),
            ..Default::default()
        }
    }

    #[test]
    fn use_is_what_grew_between_two_looks() {
        let want =
            Usage { cpu_percent: 200.0, memory_bytes: 70, memory_limit_bytes: Some(1000), pids: 3 };
        assert_eq!(between(&sample(10, 100), &sample(60, 200)), want);
        let stands_still = Usage { cpu_percent: 0.0, ..want };
        assert_eq!(between(&sample(10, 100), &sample(10, 100)), stands_still);
        assert_eq!(between(&Default::default(), &Default::default()), Usage::default());
    }
}
