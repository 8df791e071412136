mod paging;
mod record;
mod redaction;
mod writing;
