// What Redis knows of those who try passwords, in Lua: who has to wait, and what an attempt that was right takes back.
// attempts.ts speaks to it.

/** The longest wait. */
const LONGEST_MS = 900_000
/** Counts that nobody adds to are gone after this time. */
const KEPT_MS = 86_400_000
/** An account's attempts from one network: so many are free; then waits of 1, 2, 4, … seconds. */
const PAIR_FREE = 5
const FIRST_MS = 1_000
/**
 * An account's failures from networks that are new to it: one is forgotten each 72 seconds. With fifty of them somebody
 * is at it, and for an hour from then
 */
const GUARDED_AT = 50
const GUARDED_MS = 3_600_000
const FORGET_FAILURE_MS = 72_000
/** such networks have one attempt free, and then waits of 1, 2, 4, … minutes. */
const GUARDED_FREE = 1
const GUARDED_FIRST_MS = 60_000
/** Networks that somebody has logged in from: so many of an account are remembered, for so long. */
const MOST_KNOWN = 20
const KNOWN_MS = 90 * 86_400_000

/** A network's attempts: so many are free, and one is forgotten each so often. */
export interface Allowance {
  free: number
  forgetMs: number
}
/** A network is many people at times, so more than one account's; */
export const NETWORK: Allowance = { free: 30, forgetMs: 900_000 }
/** and the 65,536 networks of an IPv6 site are one subscriber's. */
export const SITE: Allowance = { free: 300, forgetMs: 90_000 }
/**
 * While a network waits, those whom their account knows there are let past it, but so few who were wrong, and one more
 * each 90 seconds: that they are let past tells who has logged in from there.
 */
const PASSES = 10
const FORGET_PASS_MS = 90_000
/** Doublings that lead to the longest wait: counting further would keep it on for longer than that. */
const DOUBLINGS = 10

const SHARED = `
local now, networks = tonumber(ARGV[1]), tonumber(ARGV[2])
local pair, account, known, passes = unpack(KEYS, networks + 1)
local function heal(key, wanted)
  local held = redis.call('TYPE', key).ok
  if held ~= 'none' and held ~= wanted then redis.call('DEL', key) end
end
for i, key in ipairs(KEYS) do heal(key, key == known and 'zset' or 'hash') end

local function whole(n) return string.format('%.0f', n) end
local function number(key, field)
  local n = tonumber(redis.call('HGET', key, field) or '') or 0
  if n ~= n or n < 0 or n > 9e15 then return 0 end
  return n
end
local function count(key, forget)
  local age = math.max(0, now - number(key, 'at'))
  if age >= ${KEPT_MS} then return 0 end
  if forget == 0 then return number(key, 'n') end
  return math.max(0, number(key, 'n') - age / forget)
end
local function put(key, n, ready)
  redis.call('HSET', key, 'n', string.format('%.3f', n), 'at', whole(now), 'ready', ready)
  redis.call('PEXPIRE', key, ${KEPT_MS})
  return ready
end
`

/**
 * KEYS: the networks that the caller is in, then, where an account is tried, the account's attempts from here, its
 * failures, the networks that it knows (zset by the last login), and whom the caller's network let past. ARGV: now, how
 * many networks, the network's name among the known ones, and the allowance of each network. Hashes have `n`, `at` (its
 * time) and `ready` (when the next attempt may come; for an account, until when it is guarded).
 *
 * Counts the attempt, right or wrong: nobody gains by trying many at once. One that has to wait is not counted.
 * Gives the milliseconds to wait, or 0 and then what it was counted in, '' where it was not: by the `ready` that it set
 * the pair, by '-', as it set none, the account and the passes, and by either the networks.
 */
export const ENTER_SCRIPT = `${SHARED}
local function left(key) return math.min(number(key, 'ready') - now, ${LONGEST_MS}) end
local function add(key, n, free, first, most)
  local ready, over = 0, math.floor(n - free + 0.5)
  if over >= 0 then ready = now + math.min(${LONGEST_MS}, first * 2 ^ over) end
  return put(key, math.min(n, most), whole(ready))
end
local is_known = account and (tonumber(redis.call('ZSCORE', known, ARGV[3]) or '') or 0) > now - ${KNOWN_MS}

local wait, queue = account and left(pair) or 0, 0
for i = 1, networks do queue = math.max(queue, left(KEYS[i])) end
-- Who has logged in from here before is not kept out by neighbours.
local passed = is_known and queue > 0 and count(passes, ${FORGET_PASS_MS}) + 1
if not passed or passed > ${PASSES} then wait = math.max(wait, queue) end
if wait > 0 then return { whole(math.ceil(wait)) } end

local answer = { '0', '', '', '' }
if account then
  local free, first = ${PAIR_FREE}, ${FIRST_MS}
  local guarded = math.min(number(account, 'ready'), now + ${GUARDED_MS})
  if guarded > now and not is_known then free, first = ${GUARDED_FREE}, ${GUARDED_FIRST_MS} end
  answer[2] = add(pair, count(pair, 0) + 1, free, first, ${PAIR_FREE + DOUBLINGS})
  if not is_known then
    local failures = math.min(count(account, ${FORGET_FAILURE_MS}) + 1, ${GUARDED_AT})
    if failures + 0.5 >= ${GUARDED_AT} then guarded = now + ${GUARDED_MS} end
    put(account, failures, whole(guarded))
    answer[3] = '-'
  end
  if passed then
    put(passes, passed, '0')
    answer[4] = '-'
  end
end
for i = 1, networks do
  local free, forget = tonumber(ARGV[2 + 2 * i]), tonumber(ARGV[3 + 2 * i])
  local n, most = count(KEYS[i], forget) + 1, free + ${DOUBLINGS}
  if passed then
    -- The wait that it was let past stays as it is, and is not taken back with it.
    put(KEYS[i], math.min(n, most), whole(number(KEYS[i], 'ready')))
    answer[4 + i] = '-'
  else
    answer[4 + i] = add(KEYS[i], n, free, ${FIRST_MS}, most)
  end
end
return answer`

/**
 * KEYS: as above. ARGV: now, how many networks, the network's name, whether the attempt was `right` or is `undone`,
 * having found nothing out; what ENTER gave for the pair, the account and the passes, and for each network how it
 * forgets and what ENTER gave. Takes the attempt back; one that was right makes the network known, and its failures are
 * forgotten.
 */
export const LEAVE_SCRIPT = `${SHARED}
local function take_back(key, forget, ready)
  if ready == '' or redis.call('EXISTS', key) == 0 then return end
  -- A wait that somebody else has set since stays.
  local held = redis.call('HGET', key, 'ready') or '0'
  if held == ready then held = '0' end
  put(key, math.max(0, count(key, forget) - 1), held)
end
for i = 1, networks do take_back(KEYS[i], tonumber(ARGV[6 + 2 * i]), ARGV[7 + 2 * i]) end
take_back(account, ${FORGET_FAILURE_MS}, ARGV[6])
take_back(passes, ${FORGET_PASS_MS}, ARGV[7])
if ARGV[4] == 'right' then
  redis.call('DEL', pair)
  redis.call('ZADD', known, whole(now), ARGV[3])
  redis.call('ZREMRANGEBYSCORE', known, '-inf', whole(now - ${KNOWN_MS}))
  redis.call('ZREMRANGEBYRANK', known, 0, -${MOST_KNOWN + 1})
  redis.call('PEXPIRE', known, ${KNOWN_MS})
else
  take_back(pair, 0, ARGV[5])
end
return 1`

/**
 * KEYS: the networks that an account knows, and with its end its failures. ARGV: now, the network that it goes on knowing, if
 * it did, or ''. Forgets all else.
 */
export const FORGET_SCRIPT = `
local known, here = KEYS[1], ARGV[2]
local at = here ~= '' and redis.call('ZSCORE', known, here)
redis.call('DEL', unpack(KEYS))
if at then
  redis.call('ZADD', known, at, here)
  redis.call('PEXPIRE', known, ${KNOWN_MS})
end
return 1`
