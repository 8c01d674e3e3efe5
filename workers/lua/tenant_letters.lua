-- Functions for the scripts that store, change and remove dead letters: whose list one stands in.
local function whose(short)
  local tenant = short and cjson.decode(short).tenant
  return type(tenant) == 'string' and tenant or ''
end
-- To be called before the short form in the index changes or goes.
local function leave_tenant(of, index, id)
  local tenant = whose(redis.call('HGET', index, id))
  if tenant ~= '' then
    redis.call('ZREM', of .. tenant, id)
  end
end
local function join_tenant(of, short, time, id)
  local tenant = whose(short)
  if tenant ~= '' then
    redis.call('ZADD', of .. tenant, time, id)
  end
end
