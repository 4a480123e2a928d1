-- What every function of the library stands on. library.py joins the files in its order and puts its
-- constants before them; a local of one file is seen by those after it. Conventions:
-- * A function declares one key, `tag`, which is its shard's ('{w:0}:'), and builds the others from it by the
--   <kind>_key functions made of keys.py, so that a Cluster runs it in the right slot.
-- * Times are arguments, in Unix milliseconds. Ids are short. '' stands for "none".
-- * Each is one atomic step of design section 4 and idempotent: redis-py repeats what got no answer.

-- Unlike a script, a library keeps its locals from one call to the next: what belongs to one call is
-- declared here and reset by register().
local call, KEYS, ARGV
local numbers, texts, eventful, indexes, sums, bits, fresh

-- Make *body* callable as FCALL <name>_<version> 1 <tag> <ARGV...>; flags as in redis.register_function.
local function register(name, body, flags)
  redis.register_function{
    function_name = name .. '_' .. VERSION,
    flags = flags or {},
    callback = function(keys, args)
      call, KEYS, ARGV = redis.call, keys, args
      numbers, texts, eventful, indexes, sums, bits, fresh = {}, {}, {}, {}, nil, {}, {}
      return body()
    end,
  }
end

local function K(prefix, a, b)
  local key = KEYS[1] .. prefix
  if a then key = key .. ':' .. a end
  if b then key = key .. ':' .. b end
  return key
end

-- Have the deliverers look again. A channel and no list: one connection listens to all shards, those of
-- other nodes of a Cluster too. A user who may not publish is no reason to fail: they look anyway.
local function wake_deliverers() redis.pcall('PUBLISH', DELIVERIES_CHANNEL, '') end
