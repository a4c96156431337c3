/** Fields of a partition's hash: two of ours, and the values under `:` and their key. */
export const appliedField = 'applied'
export const commitField = 'commit'
export const valuePrefix = ':'

/**
 * One partition's commit. Arguments: the commit that must be the last one, the name of this one or '' to leave it,
 * the positions or '' to leave them, how many of the rest are fields with values; then those; then fields to delete.
 */
export const commitScript = `
if (redis.call('HGET', KEYS[1], '${commitField}') or '') ~= ARGV[1] then return 0 end
local last = 4 + 2 * tonumber(ARGV[4])
for i = 5, last, 1000 do redis.call('HSET', KEYS[1], unpack(ARGV, i, math.min(i + 999, last))) end
for i = last + 1, #ARGV, 1000 do redis.call('HDEL', KEYS[1], unpack(ARGV, i, math.min(i + 999, #ARGV))) end
if ARGV[2] ~= '' then redis.call('HSET', KEYS[1], '${commitField}', ARGV[2]) end
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], '${appliedField}', ARGV[3]) end
return 1`

/** Empties a partition. Argument: the name of this commit. */
export const clearScript = `
redis.call('UNLINK', KEYS[1])
redis.call('HSET', KEYS[1], '${commitField}', ARGV[1])
return 1`

/** A page of a partition's keys without their values. Arguments: cursor and how many. Returns the next cursor, then keys. */
export const scanScript = `
local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local found = { page[1] }
for i = 1, #page[2], 2 do
  local field = page[2][i]
  if string.sub(field, 1, 1) == '${valuePrefix}' then found[#found + 1] = string.sub(field, 2) end
end
return found`
