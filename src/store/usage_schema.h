// The schema of usage.db: the n-th script leads from version n−1 to n. A script that was released never changes.
#pragma once

namespace ebb::store {

inline constexpr const char* kUsageSchema[] = {
    R"sql(
CREATE TABLE usage(
  call INTEGER PRIMARY KEY, endpoint TEXT NOT NULL, revision INTEGER NOT NULL, ended_ms INTEGER NOT NULL, tier TEXT NOT NULL, outcome TEXT NOT NULL,
  queued_ns INTEGER NOT NULL, start_ns INTEGER NOT NULL, busy_ns INTEGER NOT NULL, first_byte_ns INTEGER NOT NULL, total_ns INTEGER NOT NULL,
  billed_ms INTEGER NOT NULL, memory_mib INTEGER NOT NULL, cost INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
  checksum INTEGER NOT NULL) STRICT;
CREATE INDEX usage_by_endpoint ON usage(endpoint, ended_ms);
CREATE INDEX usage_by_time ON usage(ended_ms);
CREATE TABLE usage_hours(
  hour INTEGER NOT NULL, endpoint TEXT NOT NULL, tier TEXT NOT NULL, calls INTEGER NOT NULL, faults INTEGER NOT NULL, billed_ms INTEGER NOT NULL,
  busy_ns INTEGER NOT NULL, cost INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, last_ended_ms INTEGER NOT NULL,
  checksum INTEGER NOT NULL, PRIMARY KEY(hour, endpoint, tier)) STRICT, WITHOUT ROWID;
)sql",
    // Who pays, and by which line of keys. A damaged row keeps its wrong checksum.
    R"sql(
CREATE TABLE usage_2(
  call INTEGER PRIMARY KEY, endpoint TEXT NOT NULL, revision INTEGER NOT NULL, ended_ms INTEGER NOT NULL, tier TEXT NOT NULL, outcome TEXT NOT NULL,
  queued_ns INTEGER NOT NULL, start_ns INTEGER NOT NULL, busy_ns INTEGER NOT NULL, first_byte_ns INTEGER NOT NULL, total_ns INTEGER NOT NULL,
  billed_ms INTEGER NOT NULL, memory_mib INTEGER NOT NULL, cost INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
  tenant TEXT NOT NULL, key TEXT NOT NULL, checksum INTEGER NOT NULL) STRICT;
INSERT INTO usage_2 SELECT call, endpoint, revision, ended_ms, tier, outcome, queued_ns, start_ns, busy_ns, first_byte_ns, total_ns, billed_ms, memory_mib, cost, prompt_tokens,
    completion_tokens,
    '', '', iif(checksum = row_checksum(call, endpoint, revision, ended_ms, tier, outcome, queued_ns, start_ns, busy_ns, first_byte_ns, total_ns, billed_ms, memory_mib, cost, prompt_tokens,
    completion_tokens),
    row_checksum(call, endpoint, revision, ended_ms, tier, outcome, queued_ns, start_ns, busy_ns, first_byte_ns, total_ns, billed_ms, memory_mib, cost, prompt_tokens,
    completion_tokens, '', ''), checksum) FROM usage;
DROP TABLE usage;
ALTER TABLE usage_2 RENAME TO usage;
CREATE INDEX usage_by_endpoint ON usage(endpoint, ended_ms);
CREATE INDEX usage_by_time ON usage(ended_ms);
CREATE TABLE usage_hours_2(
  hour INTEGER NOT NULL, endpoint TEXT NOT NULL, tier TEXT NOT NULL, tenant TEXT NOT NULL, key TEXT NOT NULL, calls INTEGER NOT NULL, faults INTEGER NOT NULL,
  billed_ms INTEGER NOT NULL, busy_ns INTEGER NOT NULL, cost INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
  last_ended_ms INTEGER NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY(hour, endpoint, tier, tenant, key)) STRICT, WITHOUT ROWID;
INSERT INTO usage_hours_2 SELECT hour, endpoint, tier, '', '', calls, faults, billed_ms, busy_ns, cost, prompt_tokens, completion_tokens, last_ended_ms,
    iif(checksum = row_checksum(hour, endpoint, tier, calls, faults, billed_ms, busy_ns, cost, prompt_tokens, completion_tokens, last_ended_ms),
    row_checksum(hour, endpoint, tier, '', '', calls, faults, billed_ms, busy_ns, cost, prompt_tokens, completion_tokens, last_ended_ms), checksum) FROM usage_hours;
DROP TABLE usage_hours;
ALTER TABLE usage_hours_2 RENAME TO usage_hours;
)sql",
    // Memory × billed time, of which the records know the memory. A damaged record is left out, a damaged row keeps its wrong
    // checksum. total() is exact up to 2^53, more than a machine can bill in an hour, and stops at the largest value.
    R"sql(
CREATE TABLE usage_hours_3(
  hour INTEGER NOT NULL, endpoint TEXT NOT NULL, tier TEXT NOT NULL, tenant TEXT NOT NULL, key TEXT NOT NULL, calls INTEGER NOT NULL, faults INTEGER NOT NULL,
  billed_ms INTEGER NOT NULL, mib_ms INTEGER NOT NULL, busy_ns INTEGER NOT NULL, cost INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
  last_ended_ms INTEGER NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY(hour, endpoint, tier, tenant, key)) STRICT, WITHOUT ROWID;
INSERT INTO usage_hours_3 SELECT h.hour, h.endpoint, h.tier, h.tenant, h.key, h.calls, h.faults, h.billed_ms, coalesce(r.mib_ms, 0), h.busy_ns, h.cost, h.prompt_tokens,
    h.completion_tokens, h.last_ended_ms,
    iif(h.checksum = row_checksum(h.hour, h.endpoint, h.tier, h.tenant, h.key, h.calls, h.faults, h.billed_ms, h.busy_ns, h.cost, h.prompt_tokens, h.completion_tokens, h.last_ended_ms),
    row_checksum(h.hour, h.endpoint, h.tier, h.tenant, h.key, h.calls, h.faults, h.billed_ms, coalesce(r.mib_ms, 0), h.busy_ns, h.cost, h.prompt_tokens, h.completion_tokens,
    h.last_ended_ms), h.checksum)
  FROM usage_hours AS h LEFT JOIN (
    SELECT (ended_ms - (ended_ms % 3600000 + 3600000) % 3600000) / 3600000 AS hour, endpoint, tier, tenant, key,
        CAST(total(CAST(billed_ms AS REAL) * memory_mib) AS INTEGER) AS mib_ms
      FROM usage
      WHERE checksum = row_checksum(call, endpoint, revision, ended_ms, tier, outcome, queued_ns, start_ns, busy_ns, first_byte_ns, total_ns, billed_ms, memory_mib, cost,
        prompt_tokens, completion_tokens, tenant, key)
      GROUP BY 1, 2, 3, 4, 5) AS r USING (hour, endpoint, tier, tenant, key);
DROP TABLE usage_hours;
ALTER TABLE usage_hours_3 RENAME TO usage_hours;
)sql",
    // The book (usage_book.h). What was written before it is linked in the order in which it ended.
    R"sql(
CREATE TABLE book(number INTEGER PRIMARY KEY, call INTEGER NOT NULL, link TEXT NOT NULL) STRICT;
INSERT INTO book(call, link) SELECT call, '' FROM usage ORDER BY ended_ms, call;
INSERT OR REPLACE INTO book SELECT number, call, link FROM (
  WITH RECURSIVE linked(number, call, link) AS (
    SELECT 0, 0, ''
    UNION ALL
    SELECT b.number, b.call, sha256_hex(l.link || char(10) || u.call || char(9) || u.endpoint || char(9) || u.revision || char(9) || u.ended_ms || char(9) || u.tier || char(9) || u.outcome || char(9) || u.queued_ns || char(9) || u.start_ns || char(9) || u.busy_ns || char(9) || u.first_byte_ns || char(9) || u.total_ns || char(9) || u.billed_ms || char(9) || u.memory_mib || char(9) || u.cost || char(9) || u.prompt_tokens || char(9) || u.completion_tokens || char(9) || u.tenant || char(9) || u.key)
      FROM linked AS l JOIN book AS b ON b.number = l.number + 1 JOIN usage AS u ON u.call = b.call)
  SELECT number, call, link FROM linked WHERE number > 0);
)sql",
    // By which prices, and what is set off against them; and how many calls were paid for. All before was priced by the server's settings, without steps.
    R"sql(
CREATE TABLE usage_5(
  call INTEGER PRIMARY KEY, endpoint TEXT NOT NULL, revision INTEGER NOT NULL, ended_ms INTEGER NOT NULL, tier TEXT NOT NULL, outcome TEXT NOT NULL,
  queued_ns INTEGER NOT NULL, start_ns INTEGER NOT NULL, busy_ns INTEGER NOT NULL, first_byte_ns INTEGER NOT NULL, total_ns INTEGER NOT NULL,
  billed_ms INTEGER NOT NULL, memory_mib INTEGER NOT NULL, cost INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
  tenant TEXT NOT NULL, key TEXT NOT NULL, prices INTEGER NOT NULL, list_cost INTEGER NOT NULL, checksum INTEGER NOT NULL) STRICT;
INSERT INTO usage_5 SELECT call, endpoint, revision, ended_ms, tier, outcome, queued_ns, start_ns, busy_ns, first_byte_ns, total_ns, billed_ms, memory_mib, cost,
    prompt_tokens, completion_tokens, tenant, key, 0, cost,
    iif(checksum = row_checksum(call, endpoint, revision, ended_ms, tier, outcome, queued_ns, start_ns, busy_ns, first_byte_ns, total_ns, billed_ms, memory_mib, cost,
    prompt_tokens, completion_tokens, tenant, key),
    row_checksum(call, endpoint, revision, ended_ms, tier, outcome, queued_ns, start_ns, busy_ns, first_byte_ns, total_ns, billed_ms, memory_mib, cost,
    prompt_tokens, completion_tokens, tenant, key, 0, cost), checksum) FROM usage;
CREATE TABLE usage_hours_5(
  hour INTEGER NOT NULL, endpoint TEXT NOT NULL, tier TEXT NOT NULL, tenant TEXT NOT NULL, key TEXT NOT NULL, calls INTEGER NOT NULL, paid INTEGER NOT NULL,
  faults INTEGER NOT NULL, billed_ms INTEGER NOT NULL, mib_ms INTEGER NOT NULL, busy_ns INTEGER NOT NULL, cost INTEGER NOT NULL, list_cost INTEGER NOT NULL,
  prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, last_ended_ms INTEGER NOT NULL, checksum INTEGER NOT NULL,
  PRIMARY KEY(hour, endpoint, tier, tenant, key)) STRICT, WITHOUT ROWID;
INSERT INTO usage_hours_5 SELECT h.hour, h.endpoint, h.tier, h.tenant, h.key, h.calls, coalesce(r.paid, 0), h.faults, h.billed_ms, h.mib_ms, h.busy_ns, h.cost, h.cost, h.prompt_tokens,
      h.completion_tokens, h.last_ended_ms,
    iif(h.checksum = row_checksum(h.hour, h.endpoint, h.tier, h.tenant, h.key, h.calls, h.faults, h.billed_ms, h.mib_ms, h.busy_ns, h.cost, h.prompt_tokens, h.completion_tokens,
      h.last_ended_ms),
    row_checksum(h.hour, h.endpoint, h.tier, h.tenant, h.key, h.calls, coalesce(r.paid, 0), h.faults, h.billed_ms, h.mib_ms, h.busy_ns, h.cost, h.cost, h.prompt_tokens,
      h.completion_tokens, h.last_ended_ms), h.checksum)
  FROM usage_hours AS h LEFT JOIN (
    SELECT (ended_ms - (ended_ms % 3600000 + 3600000) % 3600000) / 3600000 AS hour, endpoint, tier, tenant, key, count(*) AS paid
      FROM usage WHERE (billed_ms > 0 OR outcome = 'ok') AND tier <> 'init' AND checksum = row_checksum(call, endpoint, revision, ended_ms, tier, outcome, queued_ns, start_ns, busy_ns, first_byte_ns, total_ns, billed_ms, memory_mib, cost,
    prompt_tokens, completion_tokens, tenant, key)
      GROUP BY 1, 2, 3, 4, 5) AS r USING (hour, endpoint, tier, tenant, key);
DROP TABLE usage;
ALTER TABLE usage_5 RENAME TO usage;
CREATE INDEX usage_by_endpoint ON usage(endpoint, ended_ms);
CREATE INDEX usage_by_time ON usage(ended_ms);
DROP TABLE usage_hours;
ALTER TABLE usage_hours_5 RENAME TO usage_hours;
)sql"};

}  // namespace ebb::store
