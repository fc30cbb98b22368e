// The one script of the paid path, in Lua: settles what was spent, reads the account's snapshot, and takes the next
// lease, at one moment. It stays whole: a script is sent and run as one text. lease-script.ts speaks to it.

import { GONE_KEPT_MS } from './accounts.ts'

/** How long Redis keeps counts that nobody touches. Postgres has them by then. */
const KEPT_MS = 40 * 86_400_000
/** How long it is remembered that a lease has expired, or that a loan was booked. */
export const REMEMBERED_MS = 86_400_000
/** And that a lease was settled: no copy of a request is under way for so long. It would hold the units again. */
const SETTLED_MS = 60_000
/** What no call waits for yet is leased up to this part of what is left. */
const SHARE = 16
/** A call under an idempotency key is charged once in this time, */
const IDEMPOTENCY_MS = 86_400_000
/** and may be repeated so often: a key is for retries, not a subscription. */
export const MOST_REPEATS = 10

/**
 * KEYS: 1 the account's snapshot (hash: version, snapshot, grant), 2 its counts (hash), 3 its leases by expiry (zset),
 * 4 the accounts whose counts have changed (zset), 5 (optional) what is known of an idempotency key (string).
 *
 * Fields of the counts, W being a window's start in milliseconds: `W:calls`, `W:reactions` (used), `W:held_calls`,
 * `W:held_reactions` (leased), `W:end`, `W:quota_calls`, `W:quota_reactions`, `W:seeded` (Postgres's counts are in
 * it), `lease:ID` = `W:calls:reactions:state`. A lease of the window 0 is one that was taken before anybody knew the
 * window; it counts against each. States: h held, x expired and given to others, d done: settled, void, or booked
 * without a lease.
 */
export const LEASE_SCRIPT = `
local account, usage, leases, changed, idem = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local now, user = tonumber(ARGV[1]), ARGV[2]
local mode, id, calls, reactions = ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
local keep, expires, window, fingerprint = tonumber(ARGV[7]), ARGV[8], ARGV[9], ARGV[10]

local function heal(key, wanted)
  local held = redis.call('TYPE', key).ok
  if held ~= 'none' and held ~= wanted then redis.call('DEL', key) end
end
heal(account, 'hash') heal(usage, 'hash') heal(leases, 'zset') heal(changed, 'zset')
if idem then heal(idem, 'string') end

local function whole(n) return string.format('%.0f', n) end
-- What is no count of ours (a fraction, a negative, nonsense) counts as one that is.
local function count(field)
  local n = tonumber(redis.call('HGET', usage, field) or '') or 0
  if n ~= n or n < 0 or n > 9e15 then return 0 end
  return math.floor(n)
end
local function add(field, n)
  if n ~= 0 then redis.call('HSET', usage, field, whole(math.max(0, count(field) + n))) end
end
local function used_up(w, kind)
  local unseen = w == '0' and 0 or count('0:held_' .. kind)
  return count(w .. ':' .. kind) + count(w .. ':held_' .. kind) + unseen
end
local function room(w, kind) return math.max(0, count(w .. ':quota_' .. kind) - used_up(w, kind)) end
local function book(w, c, r)
  if c <= 0 and r <= 0 then return end
  add(w .. ':calls', c)
  add(w .. ':reactions', r)
  redis.call('ZADD', changed, whole(now), user)
end
local function lease_of(lid)
  local text = redis.call('HGET', usage, 'lease:' .. lid)
  if not text then return nil end
  local w, c, r, state = string.match(text, '^(%d+):(%d+):(%d+):(%a)$')
  return state, w, tonumber(c), tonumber(r)
end
local function mark(lid, w, c, r, state, at)
  redis.call('HSET', usage, 'lease:' .. lid, w .. ':' .. whole(c) .. ':' .. whole(r) .. ':' .. state)
  redis.call('ZADD', leases, at, lid)
end
-- Under a negative score: nobody who looks for the first lease that ends has to pass what is done.
local function done(lid, ms) mark(lid, '0', 0, 0, 'd', '-' .. whole(now + ms)) end
local function hold(w, c, r)
  mark(id, w, c, r, 'h', expires)
  add(w .. ':held_calls', c)
  add(w .. ':held_reactions', r)
end
local function release(w, c, r)
  add(w .. ':held_calls', -c)
  add(w .. ':held_reactions', -r)
end
local function forget(lid)
  redis.call('HDEL', usage, 'lease:' .. lid)
  redis.call('ZREM', leases, lid)
end
local function key_state()
  local text = idem and redis.call('GET', idem)
  if not text then return nil end
  return string.match(text, '^(%w+):(%a):([%w-]+):(%d+)$')
end
local function key_becomes(fp, state, lid, repeats)
  local left = redis.call('PTTL', idem)
  if left <= 0 then left = ${IDEMPOTENCY_MS} end
  redis.call('SET', idem, fp .. ':' .. state .. ':' .. lid .. ':' .. repeats, 'PX', left)
end

-- Counts of leases whose expiries are lost would be held for ever.
if redis.call('EXISTS', leases) == 0 then
  local all = redis.call('HKEYS', usage)
  for _, field in ipairs(all) do
    if string.match(field, '^lease:') or string.match(field, ':held_') then redis.call('HDEL', usage, field) end
  end
end

local live, rest = false, 0
for i = 11, #ARGV, 5 do
  local how, lid, w = ARGV[i], ARGV[i + 1], ARGV[i + 4]
  local c, r = math.max(0, tonumber(ARGV[i + 2])), math.max(0, tonumber(ARGV[i + 3]))
  local state, lw, lc, lr = lease_of(lid)
  local fp, key, of = key_state()
  if (how == 'settle' or how == 'cut') and (state == 'h' or state == 'x') then
    if lw ~= '0' then w = lw end
    -- What a call cost above its lease is charged as far as the quota holds it.
    local above_c, above_r = math.max(0, c - lc), math.max(0, r - lr)
    c, r = math.min(c, lc), math.min(r, lr)
    if state == 'h' then
      live = true
      rest = rest + lc - c
      release(lw, lc, lr)
    elseif of and of ~= lid then
      -- Its key was given to another call when it had expired: that one is charged.
      c, r, above_c, above_r = 0, 0, 0, 0
    else
      c, r = math.min(c, room(w, 'calls')), math.min(r, room(w, 'reactions'))
    end
    done(lid, ${SETTLED_MS})
    book(w, c, r)
    book(w, math.min(above_c, room(w, 'calls')), math.min(above_r, room(w, 'reactions')))
    if of == lid and key == 'r' then
      if c > 0 and how == 'settle' then key_becomes(fp, 'c', lid, '0') else redis.call('DEL', idem) end
    end
  elseif how == 'void' then
    -- Remembered even where the lease has not come yet: it may still be on its way.
    if state == 'h' then release(lw, lc, lr) end
    done(lid, ${REMEMBERED_MS})
    if of == lid and key == 'r' then redis.call('DEL', idem) end
  elseif (how == 'book' or how == 'charge') and not state then
    done(lid, ${REMEMBERED_MS})
    if how == 'charge' then c, r = math.min(c, room(w, 'calls')), math.min(r, room(w, 'reactions')) end
    if how == 'charge' or key ~= 'c' then book(w, c, r) end
    if how == 'book' and idem and not key then key_becomes(fingerprint, 'c', lid, '0') end
  end
end

local over = redis.call('ZRANGEBYSCORE', leases, '-' .. whole(now), '(0', 'LIMIT', 0, 200)
for _, lid in ipairs(over) do forget(lid) end
for _, lid in ipairs(redis.call('ZRANGEBYSCORE', leases, '0', whole(now), 'LIMIT', 0, 200)) do
  local state, w, c, r = lease_of(lid)
  if state == 'h' then
    release(w, c, r)
    mark(lid, w, c, r, 'x', whole(now + ${REMEMBERED_MS}))
  else
    forget(lid)
  end
end

local text, grant
if redis.call('PTTL', account) > 0 then
  text = redis.call('HGET', account, 'snapshot')
  grant = redis.call('HGET', account, 'grant')
end
local g_start, g_until = string.match(grant or '', '^(%d+):(%d+)$')
local granted = g_start and now >= tonumber(g_start) and now < tonumber(g_until)
  and redis.call('HEXISTS', usage, g_start .. ':seeded') == 1
local status, w, got_calls, got_reactions, until_ = 'read', g_start or '0', 0, 0, ''

if mode == 'renew' then
  w = window
  local state, _, c = lease_of(id)
  if state then
    if state == 'h' then got_calls = c end
  elseif live then
    got_calls = math.min(keep, rest)
    if granted and g_start == w then
      local share = math.max(1, math.floor(room(w, 'calls') / ${SHARE}))
      got_calls = math.max(got_calls, math.min(calls, share, room(w, 'calls')))
    end
    if got_calls > 0 then hold(w, got_calls, 0) end
  end
elseif text == 'unknown' then
  status = 'unknown'
elseif text and grant == '' then
  status = 'denied'
elseif mode ~= 'read' and lease_of(id) then
  -- The same request once more: what it holds it holds once; what was given back it is not given again.
  local state, lw, lc, lr = lease_of(id)
  if state == 'h' then
    status, w, got_calls, got_reactions = lw == '0' and 'pending' or 'leased', lw, lc, lr
  end
elseif mode ~= 'read' then
  local fp, key, of, repeats = key_state()
  if fp and fp ~= fingerprint then
    status = 'key_reused'
  elseif key == 'c' then
    status = 'repeat'
    if tonumber(repeats) >= ${MOST_REPEATS} then status = 'key_used_up'
    else key_becomes(fp, 'c', of, whole(tonumber(repeats) + 1)) end
  elseif key == 'r' and lease_of(of) == 'h' then
    status = 'running'
  elseif not granted then
    status, w, got_calls, got_reactions = 'pending', '0', calls, reactions
    hold(w, calls, reactions)
  elseif mode == 'exact' then
    status = 'full'
    if calls <= room(w, 'calls') and reactions <= room(w, 'reactions') then
      status, got_calls, got_reactions = 'leased', calls, reactions
      hold(w, calls, reactions)
    end
  else
    status = 'full'
    local left = room(w, 'calls')
    if left >= 1 then
      -- Whoever waits is served as far as there is something; what is taken ahead of calls is a share.
      local ahead = math.min(calls, math.floor(left / ${SHARE}))
      status, got_calls = 'leased', math.min(left, math.max(1, keep, ahead))
      hold(w, got_calls, 0)
    end
  end
  if idem and (status == 'leased' or status == 'pending') then
    key_becomes(fingerprint, 'r', id, '0')
  end
elseif not granted then
  status = 'pending'
end

if status == 'full' then
  for _, lid in ipairs(redis.call('ZRANGEBYSCORE', leases, '0', '+inf', 'LIMIT', 0, 200)) do
    if lease_of(lid) == 'h' then
      until_ = redis.call('ZSCORE', leases, lid)
      break
    end
  end
end
for _, key in ipairs({ usage, leases }) do redis.call('PEXPIRE', key, status == 'unknown' and ${GONE_KEPT_MS} or ${KEPT_MS}) end
local counts = {}
if status == 'pending' then
  local all = redis.call('HGETALL', usage)
  for i = 1, #all, 2 do
    if string.match(all[i], '^%d+:[%a_]+$') then
      counts[#counts + 1] = all[i]
      counts[#counts + 1] = all[i + 1]
    end
  end
end
return { status, text or '', w, whole(got_calls), whole(got_reactions),
  whole(count(w .. ':calls')), whole(count(w .. ':reactions')),
  whole(used_up(w, 'calls')), whole(used_up(w, 'reactions')), until_, counts }`
