//! `<skill-lock>` and `<skill-subagent>`: how runs keep out of each other's way, and call each other.

use super::by_engine;
use crate::harness::job::Job;

const LOCKS: &str = "\
Several runs may work at the same time, also of this agent. Before you work on something that another \
run could take up too (an issue, a pull request, a branch, a deployment), take its lock, and free it \
when you are done.";

const LOCKS_TOOLS: &str = "\
* `acquire_lock` takes a lock. When it is held by another run you are told by whom: leave that piece \
of work to them and go on with another.
* `release_lock` frees it.

For scripts there are `rlock KEY`, `runlock KEY` and `rlock-heartbeat KEY`, with the same keys.";

const LOCKS_SHELL: &str = "\
* `rlock KEY` takes a lock. It prints `{\"ok\":true,...}` and ends with 0; held by another run, it prints \
`{\"ok\":false,\"holder\":...,\"heldSince\":...}` and ends with 1: leave that piece of work to them and go \
on with another.
* `runlock KEY` frees it.
* `rlock-heartbeat KEY` keeps it for another while.

Other exit codes than 0 mean that you do not have the lock; with 6 the scheduler cannot be reached, and \
nothing that needs a lock may be done.";

const KEYS: &str = "\
A key is a URI that every run writes in the same way: `github://owner/repo/issues/12`. A lock frees \
itself after 30 minutes, unless it is kept by a heartbeat, and with the end of the run. Hold one lock \
at a time; who needs two may meet somebody who holds the other, and is told of the deadlock.";

const CALLS: &str = "\
You can have other agents of this project do a piece of work. A call starts a run of its own, which \
knows nothing but the context that you give it: say what is to be done, with all names and addresses, \
and what you want back. You cannot call yourself, and calls of calls end at some depth.";

const CALLS_TOOLS: &str = "\
* `call_agent` starts a call and gives you its id at once.
* `check_call` says how a call stands, and what it returned.
* `al-wait ID... --timeout 900` with `bash` waits until all of these calls have ended, and prints how.

For scripts there are also `al-call AGENT` (the context on its stdin) and `al-check ID`.";

const CALLS_SHELL: &str = "\
* `echo \"CONTEXT\" | al-call AGENT` starts a call and prints `{\"ok\":true,\"callId\":\"ID\"}`; with \
`\"ok\":false` its `reason` says why not.
* `al-check ID` prints how a call stands: `status`, and in the end `returnValue` or `errorMessage`.
* `al-wait ID... --timeout 900` waits until all of them have ended and prints the same by id; exit code \
8 means that the time was over before.";

pub(super) fn locks(job: &Job) -> String {
    format!("{LOCKS}\n\n{}\n\n{KEYS}", by_engine(job, LOCKS_TOOLS, LOCKS_SHELL))
}

pub(super) fn calls(job: &Job) -> String {
    format!("{CALLS}\n\n{}", by_engine(job, CALLS_TOOLS, CALLS_SHELL))
}
