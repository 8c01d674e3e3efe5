-- Count a failure of a run that RQ's own code ends. ending.lua stands before this text.
-- ARGV: our prefix, what `note_failure` takes, stat, job's id
local ours, failure, stat, id = unpack(ARGV)

note_failure(ours, failure, stat, id)
write_notes(ours)
