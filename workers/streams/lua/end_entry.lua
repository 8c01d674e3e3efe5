-- How the run of an entry ends for good: `open_run` for bury.lua. ending.lua and fence.lua stand
-- before this text.
-- text: JSON of { our prefix, group, consumer, stream, entry, stat, tenant or '', duration, waited or
-- '', what `note_failure` takes, id }
local function open_run(text)
  local ours, group, consumer, stream, entry, stat, tenant, duration, waited, failure, id =
    unpack(cjson.decode(text))
  local function is_ours()
    if is_held(stream, group, consumer, entry) then
      return true
    end
    note(stat, tenant, 'lease_lost', duration, '')
    write_notes(ours)
    return false
  end
  local function close()
    redis.call('XACK', stream, group, entry)
    note(stat, tenant, 'failed', duration, waited)
    note_failure(ours, failure, stat, id)
    write_notes(ours)
  end
  return is_ours, close
end
