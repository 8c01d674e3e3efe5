-- Mark that a release was deployed.
-- KEYS: marks
-- ARGV: version, note or '', who or '', '1' to leave out a version that has a mark, marks to keep
-- Returns: its time in ms, or 0 if it was left out.
local marks = KEYS[1]
local version, note, who, once, kept = unpack(ARGV)

local function is_of_it(text)
  local is_json, mark = pcall(cjson.decode, text)
  return is_json and type(mark) == 'table' and mark.version == version
end

if once == '1' then
  for _, text in ipairs(redis.call('LRANGE', marks, 0, -1)) do
    if is_of_it(text) then
      return 0
    end
  end
end
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
redis.call('RPUSH', marks, cjson.encode({ version = version, at = now, note = note, actor = who }))
redis.call('LTRIM', marks, -tonumber(kept), -1)
return now
