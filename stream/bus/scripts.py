"""What Redis does in one step, as Lua: nobody comes between a check and what is done because of it.

`bus:id` names the data: who finds another name there talks to another Redis, or to one that was emptied. Errors begin with
a word: REPLACED (another name), FENCED (the lease is not the caller's), LOST (fewer entries than the caller knows).
"""

from __future__ import annotations

DATASET = "bus:id"


def state(room: str) -> str:
    """The hash of a room's numbering: `gen`, `seq`, and who wrote last: `writer`, `count`."""
    return f"bus:{room}:state"


def entries(room: str) -> str:
    """The stream of a room's entries."""
    return f"bus:{room}:entries"


def latest(room: str) -> str:
    """The hash of a room's latest entry of each symbol."""
    return f"bus:{room}:latest"


def lease(name: str) -> str:
    """Who runs a source, with the token of that lease; it expires by itself."""
    return f"bus:lease:{name}"


def token(name: str) -> str:
    """The counter of a lease's tokens."""
    return f"bus:token:{name}"


# Begins a numbering that no other one of this Redis can be taken for. KEYS 1 state, 2 entries; gives the generation.
_BEGIN = """
local function begin(state, entries, known, least, reason)
  local time = redis.call('TIME')
  local new = time[1] * 1000 + math.floor(time[2] / 1000)
  new = string.format('%.0f', math.max(new, known + 1, least))
  redis.call('HSET', state, 'gen', new, 'seq', 0)
  redis.call('XADD', entries, new .. '-0', 'mark', reason)
  redis.call('XTRIM', entries, 'MINID', new .. '-0')
  return new
end
"""

# KEYS: id, then state and entries of each room. ARGV: a name for data that has none, then the least generation of each room.
# Gives name, then generation and number of each room; what is not there is made.
OPEN = (
    _BEGIN
    + """
local name = redis.call('GET', KEYS[1])
if not name then
  name = ARGV[1]
  redis.call('SET', KEYS[1], name)
end
local found = {name}
for index = 1, (#KEYS - 1) / 2 do
  local state, entries = KEYS[2 * index], KEYS[2 * index + 1]
  local known = redis.call('HMGET', state, 'gen', 'seq')
  if not known[1] then
    known = {begin(state, entries, 0, tonumber(ARGV[1 + index]), 'new'), '0'}
  end
  found[#found + 1] = known[1]
  found[#found + 1] = known[2]
end
return found
"""
)

# KEYS: id, state, entries. ARGV: name, the generation that cannot go on, reason. Gives the generation that holds now, and 1
# when it was begun here: of several who ask for the same, one begins it.
RENEW = (
    _BEGIN
    + """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('REPLACED') end
local known = redis.call('HGET', KEYS[2], 'gen') or '0'
if tonumber(known) > tonumber(ARGV[2]) then return {known, 0} end
return {begin(KEYS[2], KEYS[3], tonumber(ARGV[2]), 0, ARGV[3]), 1}
"""
)

# KEYS: id, lease, state, entries, latest. ARGV: name, lease's value, generation and number that the caller has seen, the
# caller, the count of its first entry, then symbol and value of each. An entry that was written before, by an attempt whose
# answer was lost, is not written again.
PUBLISH = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('REPLACED') end
if redis.call('GET', KEYS[2]) ~= ARGV[2] then return redis.error_reply('FENCED') end
local known = redis.call('HMGET', KEYS[3], 'gen', 'seq', 'writer', 'count')
local gen, seq = known[1], tonumber(known[2])
if not gen or (gen == ARGV[3] and seq < tonumber(ARGV[4])) then return redis.error_reply('LOST') end
local first, skip, number = tonumber(ARGV[6]), 0, (#ARGV - 6) / 2
if known[3] == ARGV[5] then skip = math.max(0, tonumber(known[4]) - first + 1) end
if skip >= number then return {gen, known[2]} end
local last = string.format('%.0f', seq + number - skip)
redis.call('HSET', KEYS[3], 'seq', last, 'writer', ARGV[5], 'count', string.format('%.0f', first + number - 1))
for index = skip, number - 1 do
  local symbol, value = ARGV[7 + 2 * index], ARGV[8 + 2 * index]
  seq = seq + 1
  redis.call('XADD', KEYS[4], gen .. '-' .. string.format('%.0f', seq), 'e', value)
  redis.call('HSET', KEYS[5], symbol, value)
end
return {gen, last}
"""

# KEYS: id, then lease and token of each. ARGV: name, the caller, ms, then of each the value that the caller holds, or nothing.
# Gives of each the value that the caller holds now, or nothing: what it holds is prolonged, what nobody holds is taken.
LEASES = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('REPLACED') end
local held = {}
for index = 1, (#KEYS - 1) / 2 do
  local lease, token = KEYS[2 * index], KEYS[2 * index + 1]
  local value, mine = redis.call('GET', lease), ARGV[3 + index]
  if not value then
    mine = ARGV[2] .. ':' .. redis.call('INCR', token)
    redis.call('SET', lease, mine, 'PX', ARGV[3])
  elseif value == mine then
    redis.call('PEXPIRE', lease, ARGV[3])
  else
    mine = ''
  end
  held[index] = mine
end
return held
"""

# KEYS: leases. ARGV: the values that the caller holds. What is the caller's is free again.
RELEASE = """
for index, lease in ipairs(KEYS) do
  if redis.call('GET', lease) == ARGV[index] then redis.call('DEL', lease) end
end
return 1
"""
