/**
 * A key is a hash: s state, a attempt, f fingerprint, w writer, e epoch, u until when it is held (Redis's clock, ms), p last
 * prediction id, i all of them and their retention (JSON), h headers and b body of the answer, d whether it was
 * delivered. All scripts touch one key, so that a cluster takes them.
 */
const nowMs = `local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)`

/**
 * Arguments: attempt, fingerprint, writer, epoch, hold ms, window ms, attempt that may be taken over. Returns nothing, or the
 * holder's fields; without an answer the last one says whether the hold has run out.
 */
export const claimScript = `
${nowMs}
local held = redis.call('HMGET', KEYS[1], 's', 'a', 'u')
local lapsed = held[1] and tonumber(held[3]) <= now
if held[1] == 'answered' or (held[1] and held[2] ~= ARGV[7] and not (held[1] == 'claimed' and lapsed)) then
  local fields = redis.call('HMGET', KEYS[1], 's', 'a', 'f', 'w', 'e', 'p', 'h', 'b', 'i', 'd')
  if held[1] ~= 'answered' then fields[8] = lapsed and '1' or '' end
  return fields
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 's', 'claimed', 'a', ARGV[1], 'f', ARGV[2], 'w', ARGV[3], 'e', ARGV[4], 'u', now + ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return false`

/** Arguments: attempt, prediction id, headers, body, hold ms, all predictions. */
export const prepareScript = `
${nowMs}
local held = redis.call('HMGET', KEYS[1], 's', 'a')
if held[1] ~= 'claimed' or held[2] ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 's', 'prepared', 'p', ARGV[2], 'h', ARGV[3], 'b', ARGV[4], 'i', ARGV[6], 'u', now + ARGV[5])
return 1`

/** Arguments: prediction id, window ms. */
export const completeScript = `
local held = redis.call('HMGET', KEYS[1], 's', 'p')
if held[2] ~= ARGV[1] then return 0 end
if held[1] == 'prepared' then
  redis.call('HSET', KEYS[1], 's', 'answered')
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1`

/** Argument: prediction id. */
export const deliverScript = `
local held = redis.call('HMGET', KEYS[1], 's', 'p')
if held[1] == 'answered' and held[2] == ARGV[1] then redis.call('HSET', KEYS[1], 'd', '1') end
return 1`

/** Argument: attempt. */
export const releaseScript = `
local held = redis.call('HMGET', KEYS[1], 's', 'a')
if held[1] and held[1] ~= 'answered' and held[2] == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1`

/** Arguments: value, window ms. Returns nothing, or what stood there. */
export const keepFirstScript = `
local held = redis.call('GET', KEYS[1])
if held then return held end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false`

/** Argument: value. */
export const forgetScript = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1`

/** Argument: epoch. Keeps the highest. */
export const markScript = `
if tonumber(redis.call('GET', KEYS[1]) or '0') < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
return 1`
