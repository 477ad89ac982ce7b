// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';

/** One operation of the store: the check and what follows are one step of it. */
export interface ValkeyScript {
  readonly text: string;
  readonly sha: string;
}

function script(text: string): ValkeyScript {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

/*
 * KEYS[1] is the head of the slot: a hash with epoch, node and mark. Each answers with what is there, whether it was done or not: 1 or 0,
 * epoch, node, mark. Numbers go through as they were written: Lua would write large ones with an exponent.
 */

/** Whether the claim ARGV[1], ARGV[2] is the one that stands, and what stands: for those that follow. */
const HEAD = `
local head = redis.call('HMGET', KEYS[1], 'epoch', 'node', 'mark')
local epoch, node, mark = head[1] or '', head[2] or '', head[3] or ''
`;
const OWN = `${HEAD}
if epoch ~= ARGV[1] or node ~= ARGV[2] then return {0, epoch, node, mark} end
`;

export const CLAIM: ValkeyScript = script(`${HEAD}
if epoch ~= '' and (epoch ~= ARGV[1] or node ~= ARGV[2]) and tonumber(epoch) >= tonumber(ARGV[1]) then
  return {0, epoch, node, mark}
end
-- A store without room takes what follows a removal: somebody has to be able to take over.
redis.call('HDEL', KEYS[1], '-')
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'node', ARGV[2])
return {1, ARGV[1], ARGV[2], mark}
`);

/** KEYS[2]: data. ARGV[3], ARGV[4]: cursor, count. */
export const READ: ValkeyScript = script(`${OWN}
return {1, redis.call('HSCAN', KEYS[2], ARGV[3], 'COUNT', ARGV[4])}
`);

/**
 * KEYS[2], KEYS[3]: data, and those that are dropped. ARGV: claim, from, to, is anew, is dropped, count of removals, the keys of them, then keys and values.
 */
export const WRITE: ValkeyScript = script(`${OWN}
if mark == ARGV[4] then return {1} end
if mark ~= ARGV[3] then return {0, epoch, node, mark} end
local first = 8 + tonumber(ARGV[7])
-- A store without room refuses the first command that needs some, and none behind one that it took: what only removes comes through.
if first > #ARGV then redis.call('HDEL', KEYS[1], '-') end
redis.call('HSET', KEYS[1], 'mark', ARGV[4])
if ARGV[5] == '1' then redis.call('UNLINK', KEYS[2]) end
if ARGV[6] == '1' then redis.call('UNLINK', KEYS[3]) end
for at = 8, first - 1, 1000 do redis.call('HDEL', KEYS[2], unpack(ARGV, at, math.min(at + 999, first - 1))) end
for at = first, #ARGV, 1000 do redis.call('HSET', KEYS[2], unpack(ARGV, at, math.min(at + 999, #ARGV))) end
return {1}
`);

/** KEYS from 2: data. */
export const REMOVE: ValkeyScript = script(`${OWN}
redis.call('HDEL', KEYS[1], 'mark')
for at = 2, #KEYS do redis.call('UNLINK', KEYS[at]) end
return {1}
`);
