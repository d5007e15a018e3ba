#include "platform/apiserver/store/log.h"

#include <sqlite3.h>

#include "foundation/base/strings.h"

namespace proa::apiserver {
namespace {

constexpr int64_t kFormat = 1;  // PRAGMA user_version of the files written here

struct CloseDb {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
struct Finalize {
  void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
};
using Db = std::unique_ptr<sqlite3, CloseDb>;
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

Code code_of(int rc) {
  switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Code::kUnavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Code::kDataLoss;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      return Code::kForbidden;
    case SQLITE_FULL:
      return Code::kExhausted;
    default:
      return Code::kInternal;
  }
}

Error db_error(sqlite3* db, const std::string& path, std::string_view what) {
  int rc = db ? sqlite3_extended_errcode(db) : SQLITE_NOMEM;
  std::string message =
      str("store ", path, ": ", what, ": ", db ? sqlite3_errmsg(db) : "out of memory");
  Code code = code_of(rc);
  if (code == Code::kUnavailable) message += " (another process is using this data folder)";
  if (code == Code::kDataLoss)
    message += " (the file is damaged; restore it from a backup or move it away)";
  return error(code, std::move(message));
}

}  // namespace

struct SqliteLog::State {
  std::string path;
  Db db;
  Statement put, erase, reserve;

  Status exec(const char* sql) {
    if (sqlite3_exec(db.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
      return db_error(db.get(), path, sql);
    return {};
  }

  Result<Statement> prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(db.get(), sql, -1, &statement, nullptr) != SQLITE_OK)
      return db_error(db.get(), path, sql);
    return Statement(statement);
  }

  Result<int64_t> number(const char* sql) {
    TRY(Statement statement, prepare(sql));
    int rc = sqlite3_step(statement.get());
    if (rc == SQLITE_DONE) return int64_t{0};
    if (rc != SQLITE_ROW) return db_error(db.get(), path, sql);
    return static_cast<int64_t>(sqlite3_column_int64(statement.get(), 0));
  }

  Status step(sqlite3_stmt* statement) {
    int rc = sqlite3_step(statement);
    Status done;
    if (rc != SQLITE_DONE) done = db_error(db.get(), path, "write");
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return done;
  }

  Status write(const LogRecord& record) {
    sqlite3_stmt* s = record.deleted ? erase.get() : put.get();
    sqlite3_bind_text(s, 1, record.key.data(), static_cast<int>(record.key.size()), SQLITE_STATIC);
    if (!record.deleted) {
      sqlite3_bind_int64(s, 2, record.revision);
      sqlite3_bind_text(s, 3, record.text->data(), static_cast<int>(record.text->size()),
                        SQLITE_STATIC);
    }
    return step(s);
  }

  Status check_integrity() {
    TRY(Statement check, prepare("PRAGMA quick_check(1)"));
    int rc = sqlite3_step(check.get());
    if (rc != SQLITE_ROW) return db_error(db.get(), path, "check");
    std::string_view said(reinterpret_cast<const char*>(sqlite3_column_text(check.get(), 0)));
    if (said == "ok") return {};
    return error(Code::kDataLoss, str("store ", path, ": the file is damaged: ", said,
                                      " (restore it from a backup or move it away)"));
  }

  Status set_up() {
    sqlite3_busy_timeout(db.get(), 0);
    TRY_STATUS(exec("PRAGMA locking_mode=EXCLUSIVE"));  // no second process, no shared memory file
    TRY_STATUS(exec("PRAGMA auto_vacuum=INCREMENTAL"));
    TRY_STATUS(exec("PRAGMA journal_mode=WAL"));
    TRY_STATUS(exec("PRAGMA synchronous=FULL"));
    TRY_STATUS(exec("PRAGMA journal_size_limit=1048576"));
    TRY_STATUS(exec("PRAGMA wal_autocheckpoint=2048"));
    TRY_STATUS(exec("PRAGMA cache_size=-512"));  // everything is in the store's memory already
    TRY_STATUS(exec("PRAGMA mmap_size=67108864"));  // an insertion looks for its place in pages
    TRY(int64_t format, number("PRAGMA user_version"));
    if (format > kFormat)
      return error(Code::kDataLoss,
                   str("store ", path, ": written by a newer version (format ", format, ")"));
    TRY_STATUS(check_integrity());
    TRY_STATUS(exec("BEGIN IMMEDIATE"));
    TRY_STATUS(
        exec("CREATE TABLE IF NOT EXISTS objects(key TEXT PRIMARY KEY, revision INTEGER NOT NULL, "
             "value TEXT NOT NULL) WITHOUT ROWID"));
    TRY_STATUS(
        exec("CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL)"));
    TRY_STATUS(exec("PRAGMA user_version=1"));
    TRY_STATUS(exec("COMMIT"));
    TRY(put, prepare("INSERT INTO objects VALUES(?1,?2,?3) ON CONFLICT(key) DO UPDATE SET "
                     "revision=excluded.revision, value=excluded.value"));
    TRY(erase, prepare("DELETE FROM objects WHERE key=?1"));
    TRY(reserve, prepare("INSERT INTO meta VALUES('reserved',?1) ON CONFLICT(name) DO UPDATE SET "
                         "value=excluded.value"));
    return {};
  }
};

SqliteLog::SqliteLog(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqliteLog::~SqliteLog() = default;

Result<std::unique_ptr<Log>> SqliteLog::open(const std::string& path) {
  auto state = std::make_unique<State>();
  state->path = path;
  sqlite3* db = nullptr;
  int rc = sqlite3_open_v2(
      path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  state->db.reset(db);
  if (rc != SQLITE_OK) return db_error(db, path, "open");
  TRY_STATUS(state->set_up());
  return std::unique_ptr<Log>(new SqliteLog(std::move(state)));
}

Result<int64_t> SqliteLog::load(const std::function<Status(LogRecord)>& record) {
  State& s = *state_;
  TRY(Statement all, s.prepare("SELECT key, revision, value FROM objects ORDER BY key"));
  int64_t newest = 0;
  int rc;
  while ((rc = sqlite3_step(all.get())) == SQLITE_ROW) {
    auto text = [&](int column) {
      return std::string(reinterpret_cast<const char*>(sqlite3_column_text(all.get(), column)),
                         static_cast<size_t>(sqlite3_column_bytes(all.get(), column)));
    };
    LogRecord next;
    next.key = text(0);
    next.revision = sqlite3_column_int64(all.get(), 1);
    next.text = std::make_shared<const std::string>(text(2));
    newest = std::max(newest, next.revision);
    TRY_STATUS(record(std::move(next)));
  }
  if (rc != SQLITE_DONE) return db_error(s.db.get(), s.path, "read");
  TRY(int64_t reserved, s.number("SELECT value FROM meta WHERE name='reserved'"));
  return std::max(reserved, newest);
}

Status SqliteLog::append(const std::vector<LogRecord>& records, int64_t reserve) {
  State& s = *state_;
  TRY_STATUS(s.exec("BEGIN IMMEDIATE"));
  Status done;
  for (const LogRecord& record : records)
    if (done.ok()) done = s.write(record);
  if (done.ok() && reserve > 0) {
    sqlite3_bind_int64(s.reserve.get(), 1, reserve);
    done = s.step(s.reserve.get());
  }
  if (done.ok()) done = s.exec("COMMIT");
  if (!done.ok() && !sqlite3_get_autocommit(s.db.get())) {
    Status ignored = s.exec("ROLLBACK");  // the first error tells more
    (void)ignored;
  }
  return done;
}

Status SqliteLog::compact() {
  TRY_STATUS(state_->exec("PRAGMA incremental_vacuum"));
  return state_->exec("PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace proa::apiserver
