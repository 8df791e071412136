mod events;
mod following;
mod paging;
mod record;
mod redaction;
mod writing;
