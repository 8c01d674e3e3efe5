-- How a channel does. KEYS: channels. ARGV: its name, text.
redis.call('HDEL', KEYS[1], ARGV[1])  -- lets it go on though Redis may be full
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
