#pragma once

struct sqlite3;

namespace beeld {

/// The name under which SQLite finds the layer over its files that keeps a checksum at the end of every page
/// of a database whose header reserves the bytes for it. Every page that is read from the file is verified;
/// a wrong one is SQLITE_IOERR_DATA. Frames of a write-ahead log have sums of SQLite's own. A file opened
/// with the URI's parameter unverified=1 is read as it is, and written with checksums.
const char* checked_pages();

/// Reserves the bytes in a database that is still empty, or is about to be rewritten by VACUUM.
void reserve_checksums(sqlite3* database);

/// Whether the bytes are reserved.
bool has_checksums(sqlite3* database);

}  // namespace beeld
