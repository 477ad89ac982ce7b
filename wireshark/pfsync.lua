-- SPDX-License-Identifier: Apache-2.0
--
-- Wireshark dissector of pfsync version 6, by which firewalls with OpenBSD's pf tell each other their states: IP protocol
-- 240. Runs in every Wireshark and tshark with Lua 5.2 or later; see docs/wireshark.md.
--
-- What breaks the format is an expert error; items of a length or an action that is not known are a note.

local pfsync = Proto('pfsync6', 'pfsync version 6')

local IP_PROTOCOL = 240
local VERSION = 6
local HEADER_BYTES = 20
local SUBHEADER_BYTES = 4
local BYTES_MAX = 65515
local INTERFACE_BYTES = 16
local NO_RULE = 0xffffffff
local AF_INET, AF_INET6 = 2, 24
local EOF = 12

local ACTIONS = {
  [0] = 'CLR', [1] = 'old INS', [2] = 'INS_ACK', [3] = 'old UPD', [4] = 'UPD_C', [5] = 'UPD_REQ', [6] = 'DEL',
  [7] = 'DEL_C', [8] = 'INS_F', [9] = 'DEL_F', [10] = 'BUS', [11] = 'old TDB', [12] = 'EOF', [13] = 'INS',
  [14] = 'UPD', [15] = 'TDB',
}
local FAMILIES = { [0] = 'open', [AF_INET] = 'IPv4', [AF_INET6] = 'IPv6' }
local DIRECTIONS = { [1] = 'in', [2] = 'out' }
local ROUTES = { [0] = 'none', [1] = 'route-to', [2] = 'dup-to', [3] = 'reply-to' }
local STATUSES = { [1] = 'start', [2] = 'end' }

-- ------------------------------------------------------------------ fields

local f = {}

local function field(kind, name, title, ...)
  f[name] = ProtoField[kind]('pfsync6.' .. name, title, ...)
end

field('uint8', 'version', 'Version')
field('uint16', 'length', 'Length')
field('bytes', 'checksum', 'Checksum of the rules')
field('none', 'section', 'Section')
field('uint8', 'action', 'Action', base.DEC, ACTIONS)
field('uint8', 'item_words', 'Words of an item')
field('uint16', 'count', 'Items')
field('bytes', 'opaque', 'Items that are not known')
field('none', 'item', 'Item')

field('uint64', 'id', 'Id', base.HEX)
field('uint32', 'creator', 'Creator', base.HEX)
field('string', 'interface', 'Interface')
field('uint32', 'expire', 'Expires in, seconds')
field('uint8', 'timeout', 'Time-out')
field('uint16', 'state_flags', 'Flags of the state', base.HEX)

for _, key in ipairs({ 'wire', 'stack' }) do
  field('none', key, 'Key, ' .. key)
  for _, n in ipairs({ '0', '1' }) do
    field('ipv4', key .. '.ipv4_' .. n, 'Address ' .. n)
    field('ipv6', key .. '.ipv6_' .. n, 'Address ' .. n)
    field('uint16', key .. '.port_' .. n, 'Port ' .. n)
  end
  field('uint16', key .. '.rdomain', 'Routing domain')
  field('uint8', key .. '.family', 'Family', base.DEC, FAMILIES)
end

for _, peer in ipairs({ 'src', 'dst' }) do
  field('none', peer, peer == 'src' and 'Source' or 'Destination')
  field('uint16', peer .. '.scrub_flags', 'Scrub flags', base.HEX)
  field('uint8', peer .. '.scrub_ttl', 'Scrub TTL')
  field('uint8', peer .. '.scrub_flag', 'Scrub is valid')
  field('uint32', peer .. '.ts_mod', 'Modulator of timestamps')
  field('uint32', peer .. '.seqlo', 'Sequence number, low')
  field('uint32', peer .. '.seqhi', 'Sequence number, high')
  field('uint32', peer .. '.seqdiff', 'Sequence number, difference')
  field('uint16', peer .. '.max_win', 'Largest window')
  field('uint16', peer .. '.mss', 'Largest segment')
  field('uint8', peer .. '.state', 'State')
  field('uint8', peer .. '.wscale', 'Window scale', base.HEX)
end

field('bytes', 'route_address', 'Route address')
field('uint32', 'rule', 'Rule')
field('uint32', 'anchor', 'Anchor')
field('uint32', 'nat_rule', 'NAT rule')
field('uint32', 'age', 'Age, seconds')
field('uint64', 'packets_0', 'Packets, forward')
field('uint64', 'packets_1', 'Packets, reverse')
field('uint64', 'bytes_0', 'Octets, forward')
field('uint64', 'bytes_1', 'Octets, reverse')
field('int32', 'rtable_0', 'Routing table of the wire')
field('int32', 'rtable_1', 'Routing table of the stack')
field('uint16', 'max_mss', 'Largest segment')
field('uint8', 'family', 'Family', base.DEC, FAMILIES)
field('uint8', 'protocol', 'Protocol')
field('uint8', 'direction', 'Direction', base.DEC, DIRECTIONS)
field('uint8', 'log', 'Log', base.HEX)
field('uint8', 'route', 'Route', base.DEC, ROUTES)
field('uint8', 'sync_flags', 'Sync flags', base.HEX)
field('uint8', 'updates', 'Updates')
field('uint8', 'min_ttl', 'Least TTL')
field('uint8', 'tos', 'TOS', base.HEX)
field('uint8', 'prio_0', 'Priority')
field('uint8', 'prio_1', 'Priority of empty ACKs')

field('uint32', 'end_time', 'End, seconds')
field('uint8', 'status', 'Status', base.DEC, STATUSES)

field('uint32', 'tdb.spi', 'SPI', base.HEX)
field('ipv4', 'tdb.ipv4', 'Destination')
field('ipv6', 'tdb.ipv6', 'Destination')
field('uint16', 'tdb.port', 'Port')
field('uint32', 'tdb.flow_information', 'Flow information', base.HEX)
field('bytes', 'tdb.scope', 'Scope, in the order of the sender')
field('uint64', 'tdb.rpl', 'Replay counter')
field('uint64', 'tdb.bytes', 'Octets')
field('uint8', 'tdb.protocol', 'Protocol')
field('uint8', 'tdb.updates', 'Updates')
field('uint16', 'tdb.rdomain', 'Routing domain')

local fields = {}
for _, each in pairs(f) do fields[#fields + 1] = each end
pfsync.fields = fields

local malformed = ProtoExpert.new('pfsync6.malformed', 'Malformed', expert.group.MALFORMED, expert.severity.ERROR)
local unknown = ProtoExpert.new('pfsync6.unknown', 'Not known here', expert.group.UNDECODED, expert.severity.NOTE)
pfsync.experts = { malformed, unknown }

local function fault(tree, text) tree:add_proto_expert_info(malformed, text) end

-- ------------------------------------------------------------------ pieces of items

-- Walks over an item: `take` adds the next octets as a field.
local function walker(tree, range)
  local at = 0
  local w = {}
  function w.take(name, bytes, into)
    local part = range(at, bytes)
    at = at + bytes
    local added = (into or tree):add(f[name], part)
    return part, added
  end
  function w.next(bytes)
    local part = range(at, bytes)
    at = at + bytes
    return part
  end
  return w
end

local function is_zero(range) return not range:bytes():tohex():find('[^0]') end

local function expect_zero(tree, range)
  if not is_zero(range) then fault(tree, 'octets where 0 is reserved') end
end

local function interface(tree, w)
  local range = w.next(INTERFACE_BYTES)
  local text = range:raw()
  local finish = text:find('\0', 1, true)
  local name = finish and text:sub(1, finish - 1) or text
  local item = tree:add(f.interface, range, name)
  if not finish then fault(item, 'name without an end')
  elseif text:sub(finish):find('[^%z]') then fault(item, 'octets behind the name')
  elseif name:find('[^!-~]') then fault(item, 'name that is no visible ASCII') end
end

local function family(name, w, into, tree)
  local range, item = w.take(name, 1, into)
  if not FAMILIES[range:uint()] then fault(item or tree, 'unknown address family') end
  return range:uint()
end

local function key(tree, w, name)
  local range = w.next(40)
  local own = tree:add(f[name], range)
  local k = walker(own, range)
  local addresses = { k.next(16), k.next(16) }
  k.take(name .. '.port_0', 2)
  k.take(name .. '.port_1', 2)
  k.take(name .. '.rdomain', 2)
  local kind = family(name .. '.family', k, own, own)
  expect_zero(own, k.next(1))
  for n, address in ipairs(addresses) do
    if kind == AF_INET then
      own:add(f[name .. '.ipv4_' .. (n - 1)], address(0, 4))
      expect_zero(own, address(4, 12))
    else
      own:add(f[name .. '.ipv6_' .. (n - 1)], address)
    end
  end
end

local function peer(tree, w, name)
  local range = w.next(32)
  local own = tree:add(f[name], range)
  local p = walker(own, range)
  p.take(name .. '.scrub_flags', 2)
  p.take(name .. '.scrub_ttl', 1)
  p.take(name .. '.scrub_flag', 1)
  p.take(name .. '.ts_mod', 4)
  p.take(name .. '.seqlo', 4)
  p.take(name .. '.seqhi', 4)
  p.take(name .. '.seqdiff', 4)
  p.take(name .. '.max_win', 2)
  p.take(name .. '.mss', 2)
  p.take(name .. '.state', 1)
  p.take(name .. '.wscale', 1)
  expect_zero(own, p.next(6))
end

local function rule(w, name)
  local range, item = w.take(name, 4)
  if range:uint() == NO_RULE then item:append_text(' (none)') end
end

-- ------------------------------------------------------------------ items

local function state_id(_, w)
  w.take('id', 8)
  w.take('creator', 4)
end

local function state(tree, w)
  w.take('id', 8)
  interface(tree, w)
  key(tree, w, 'wire')
  key(tree, w, 'stack')
  peer(tree, w, 'src')
  peer(tree, w, 'dst')
  w.take('route_address', 16)
  rule(w, 'rule')
  rule(w, 'anchor')
  rule(w, 'nat_rule')
  w.take('age', 4)
  w.take('expire', 4)
  for _, name in ipairs({ 'packets_0', 'packets_1', 'bytes_0', 'bytes_1' }) do w.take(name, 8) end
  w.take('creator', 4)
  w.take('rtable_0', 4)
  w.take('rtable_1', 4)
  w.take('max_mss', 2)
  family('family', w, tree, tree)
  local octets = { 'protocol', 'direction', 'log', 'route', 'timeout', 'sync_flags', 'updates', 'min_ttl', 'tos' }
  for _, name in ipairs(octets) do w.take(name, 1) end
  w.take('state_flags', 2)
  w.take('prio_0', 1)
  w.take('prio_1', 1)
end

local function update(tree, w)
  w.take('id', 8)
  peer(tree, w, 'src')
  peer(tree, w, 'dst')
  w.take('creator', 4)
  w.take('expire', 4)
  w.take('timeout', 1)
  w.take('state_flags', 1)
  expect_zero(tree, w.next(2))
end

local function clear(tree, w)
  interface(tree, w)
  w.take('creator', 4)
end

local function bulk(tree, w)
  w.take('creator', 4)
  w.take('end_time', 4)
  local range, item = w.take('status', 1)
  if not STATUSES[range:uint()] then fault(item, 'unknown status') end
  expect_zero(tree, w.next(3))
end

local function socket_address(tree, range)
  local length, kind = range(0, 1):uint(), range(1, 1):uint()
  tree:add(f['tdb.port'], range(2, 2))
  if kind == AF_INET and length == 16 then
    tree:add(f['tdb.ipv4'], range(4, 4))
    expect_zero(tree, range(8, 20))
  elseif kind == AF_INET6 and length == 28 then
    tree:add(f['tdb.flow_information'], range(4, 4))
    tree:add(f['tdb.ipv6'], range(8, 16))
    tree:add(f['tdb.scope'], range(24, 4))
  else
    fault(tree, string.format('socket address of family %d and length %d', kind, length))
  end
end

local function tdb(counter_bytes)
  return function(tree, w)
    w.take('tdb.spi', 4)
    socket_address(tree, w.next(28))
    w.take('tdb.rpl', counter_bytes)
    w.take('tdb.bytes', 8)
    w.take('tdb.protocol', 1)
    w.take('tdb.updates', 1)
    w.take('tdb.rdomain', 2)
  end
end

-- By action: octets of an item, and what reads it.
local ITEMS = {
  [0] = { 20, clear },
  [2] = { 12, state_id },
  [4] = { 84, update },
  [5] = { 12, state_id },
  [6] = { 264, state },
  [7] = { 12, state_id },
  [10] = { 12, bulk },
  [11] = { 48, tdb(4) },
  [13] = { 264, state },
  [14] = { 264, state },
  [15] = { 52, tdb(8) },
}

-- ------------------------------------------------------------------ datagrams

-- Adds the section at `at`; returns where the next begins, nil when that is not known.
local function section(tvb, tree, at, said)
  local left = tvb:len() - at
  if left < SUBHEADER_BYTES then
    fault(tree, string.format('%d octets of a subheader', left))
    return nil
  end
  local action = tvb(at, 1):uint()
  local bytes, count = tvb(at + 1, 1):uint() * 4, tvb(at + 2, 2):uint()
  local total = bytes * count
  local fits = total <= left - SUBHEADER_BYTES
  local own = tree:add(f.section, tvb(at, SUBHEADER_BYTES + (fits and total or 0)))
  own:add(f.action, tvb(at, 1))
  own:add(f.item_words, tvb(at + 1, 1))
  own:add(f.count, tvb(at + 2, 2))
  local title = ACTIONS[action] or ('action ' .. action)
  own:append_text(string.format(': %s, %d', title, count))
  said[#said + 1] = string.format('%s×%d', title, count)
  if bytes == 0 and count > 0 and action ~= EOF then
    fault(own, 'items without a length')
    return nil
  end
  if not fits then
    fault(own, string.format('%d items of %d octets, %d are left', count, bytes, left - SUBHEADER_BYTES))
    return nil
  end
  at = at + SUBHEADER_BYTES
  local kind = ITEMS[action]
  if kind and kind[1] == bytes then
    for _ = 1, count do
      local range = tvb(at, bytes)
      local item = own:add(f.item, range)
      kind[2](item, walker(item, range))
      at = at + bytes
    end
    return at
  end
  own:add_proto_expert_info(unknown, string.format('items of %d octets', bytes))
  if total > 0 then own:add(f.opaque, tvb(at, total)) end
  return at + total
end

function pfsync.dissector(tvb, pinfo, root)
  local size = tvb:len()
  if size == 0 then return 0 end
  pinfo.cols.protocol = 'pfsync'
  local tree = root:add(pfsync, tvb())
  tree:add(f.version, tvb(0, 1))
  if tvb(0, 1):uint() ~= VERSION then
    fault(tree, 'another version')
    return size
  end
  if size < HEADER_BYTES then
    fault(tree, string.format('%d octets of a header', size))
    return size
  end
  expect_zero(tree, tvb(1, 1))
  tree:add(f.length, tvb(2, 2))
  tree:add(f.checksum, tvb(4, 16))
  if tvb(2, 2):uint() ~= tvb:reported_len() or tvb:reported_len() > BYTES_MAX then
    fault(tree, string.format('Length %d of %d octets', tvb(2, 2):uint(), tvb:reported_len()))
    return size
  end
  local said = {}
  local at = HEADER_BYTES
  while at and at < size do at = section(tvb, tree, at, said) end
  pinfo.cols.info = table.concat(said, ', ')
  tree:append_text(', ' .. table.concat(said, ', '))
  return size
end

DissectorTable.get('ip.proto'):add(IP_PROTOCOL, pfsync)
