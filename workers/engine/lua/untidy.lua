-- Which lists have something to tidy up: a look at all of them is one command, where RQ's own clean-up
-- asks more than ten a list.
-- ARGV: RQ's prefix, failed and cancelled jobs to keep per list, then the names of lists
-- Returns: the names of those that have, or may have.
local rq, kept = ARGV[1], tonumber(ARGV[2])
local call = redis.call
local now = call('TIME')[1]

local function has_expired(registry)
  return #call('ZRANGEBYSCORE', registry, '-inf', now, 'LIMIT', 0, 1) > 0
end

local function has_gone(workers)
  local names = call('SMEMBERS', workers)
  return #names > 0 and call('EXISTS', unpack(names)) < #names
end

-- What dies between two steps of RQ's leaves these behind.
local function is_left_over(name)
  return call('EXISTS', rq .. 'ready:' .. name, rq .. 'queue:' .. name .. ':intermediate',
    rq .. 'deferred:' .. name, rq .. 'failed:' .. name) > 0
end

local function is_untidy(name)
  return is_left_over(name) or has_expired(rq .. 'finished:' .. name)
    or has_expired(rq .. 'wip:' .. name) or call('ZCARD', rq .. 'canceled:' .. name) > kept
    or has_gone(rq .. 'workers:' .. name)
end

local untidy = {}
for at = 3, #ARGV do
  if is_untidy(ARGV[at]) then
    untidy[#untidy + 1] = ARGV[at]
  end
end
-- Rate limits belong to no list; RQ looks after them together with any.
if #untidy == 0 and call('EXISTS', rq .. 'rl-keys') == 1 then
  untidy[1] = ARGV[3]
end
return untidy
