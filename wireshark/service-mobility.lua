-- SPDX-License-Identifier: Apache-2.0
--
-- Wireshark dissector of the service-mobility protocol (draft-yokota-opsawg-virtnw-service-management-02) with
-- vnfpool's extensions. Runs in every Wireshark and tshark with Lua 5.2 or later; see docs/wireshark.md.
--
-- What a receiver has to reject (ACK 128) is an expert error, what it passes over is a warning or a note.

local svcmob = Proto('svcmob', 'Service-Mobility Protocol')

svcmob.prefs.tcp_port = Pref.uint('TCP and TLS port', 49877, 'The draft has no port assigned; 49877 is ours')
svcmob.prefs.sctp_port = Pref.uint('SCTP port', 49877, 'One message is one user message')
svcmob.prefs.enterprise = Pref.uint('Enterprise number', 32473, 'Under which extensions (9/255) are ours')

local HEADER_BYTES = 8
local FRAME_HEADER_BYTES = 4
local LENGTH_MIN = 4
local TEXT_BYTES_MAX = 1024
local NAME_BYTES_MAX = 255

local MESSAGES = {
  [1] = 'REGISTRATION',
  [2] = 'KEEP-ALIVE',
  [3] = 'OPERATION',
  [4] = 'STATUS-UPDATE',
  [5] = 'DE-REGISTRATION',
  [6] = 'ACK',
  [7] = 'ERROR',
}
local OPERATION, KEEP_ALIVE, ACK = 3, 2, 6

local COMMANDS = {
  [0] = 'none',
  [1] = 'GET',
  [2] = 'ADD',
  [3] = 'DELETE',
  [4] = 'MOVE',
  [5] = 'COPY',
  [6] = 'MOVE_SESSION',
}
local GET, MOVE, COPY, MOVE_SESSION = 1, 4, 5, 6

local CODES = {
  [0] = 'Successful',
  [128] = 'Failed',
  [129] = 'Insufficient resources',
  [130] = 'Administratively prohibited',
  [131] = 'Status unknown',
}

local OPTIONS = {
  [1] = 'IPv4 address',
  [2] = 'IPv6 address',
  [3] = 'Port number',
  [4] = 'Node ID',
  [5] = 'Function ID',
  [6] = 'Node information',
  [7] = 'Function information',
  [8] = 'Session information',
  [9] = 'Vendor-specific information',
}
local IPV4, IPV6, PORT, NODE_ID, FUNCTION_ID = 1, 2, 3, 4, 5
local NODE_INFORMATION, FUNCTION_INFORMATION, SESSION_INFORMATION, VENDOR = 6, 7, 8, 9

local ERRORS = {
  [1] = 'malformed',
  [2] = 'unknown function',
  [3] = 'token unknown, used, expired or not for this pair',
  [4] = 'version not understood',
  [5] = 'stale epoch, council version or term',
  [6] = 'specification refused',
  [7] = 'would not converge',
  [8] = 'cancelled',
  [9] = 'session cannot be moved',
  [10] = 'Node ID in use',
}

local ROLES = { [1] = 'source', [2] = 'destination' }
local STATUSES = { Starting = true, Running = true, Terminating = true, Unknown = true }

-- ------------------------------------------------------------------ fields

local f = {
  type = ProtoField.uint8('svcmob.type', 'Type', base.DEC, MESSAGES),
  subtype = ProtoField.uint8('svcmob.subtype', 'Sub-Type', base.DEC),
  command = ProtoField.uint8('svcmob.command', 'Command', base.DEC, COMMANDS),
  length = ProtoField.uint16('svcmob.length', 'Length', base.DEC),
  code = ProtoField.uint8('svcmob.code', 'Code', base.DEC, CODES),
  sequence = ProtoField.uint24('svcmob.sequence', 'Sequence Number', base.DEC),
  answered_in = ProtoField.framenum('svcmob.answered_in', 'Answered in', base.NONE, frametype.RESPONSE),
  answer_to = ProtoField.framenum('svcmob.answer_to', 'Answer to', base.NONE, frametype.REQUEST),
  answer_time = ProtoField.relative_time('svcmob.answer_time', 'Time to the answer'),

  option = ProtoField.none('svcmob.option', 'Option'),
  option_type = ProtoField.uint8('svcmob.option.type', 'OP-Type', base.DEC, OPTIONS),
  option_subtype = ProtoField.uint8('svcmob.option.subtype', 'Sub-OP-Type', base.DEC),
  option_length = ProtoField.uint16('svcmob.option.length', 'Length', base.DEC),
  option_value = ProtoField.bytes('svcmob.option.value', 'Value'),
  wanted = ProtoField.string('svcmob.wanted', 'Wanted'),

  ipv4 = ProtoField.ipv4('svcmob.ipv4', 'IPv4 address'),
  ipv6 = ProtoField.ipv6('svcmob.ipv6', 'IPv6 address'),
  port = ProtoField.uint16('svcmob.port', 'Port number', base.DEC),
  node_id = ProtoField.uint32('svcmob.node_id', 'Node ID', base.DEC),
  function_id = ProtoField.uint32('svcmob.function_id', 'Function ID', base.DEC),

  session_uri = ProtoField.string('svcmob.session.uri', 'SIP URI'),
  session_ipv4 = ProtoField.ipv4('svcmob.session.ipv4', 'Contact address'),
  session_ipv6 = ProtoField.ipv6('svcmob.session.ipv6', 'Contact address'),
  session_contact = ProtoField.string('svcmob.session.contact', 'Contact'),
  session_ratio = ProtoField.double('svcmob.session.ratio', 'Ratio to all sessions'),
  session_count = ProtoField.uint64('svcmob.session.count', 'Number of sessions', base.DEC),
  session_all = ProtoField.none('svcmob.session.all', 'All sessions'),

  text = ProtoField.string('svcmob.text', 'Text'),
  enterprise = ProtoField.uint32('svcmob.enterprise', 'Enterprise number', base.DEC),
  extension = ProtoField.uint16('svcmob.extension', 'Extension', base.DEC),
  extension_data = ProtoField.bytes('svcmob.extension.data', 'Data'),
  hello_version = ProtoField.uint8('svcmob.hello.version', 'Version', base.DEC),
  hello_instance = ProtoField.uint64('svcmob.hello.instance', 'Instance', base.HEX),
  hello_term = ProtoField.uint64('svcmob.hello.term', 'Term', base.DEC),
  token = ProtoField.bytes('svcmob.transfer.token', 'Token'),
  role = ProtoField.uint8('svcmob.transfer.role', 'Role', base.DEC, ROLES),
  gone = ProtoField.uint32('svcmob.function_gone', 'Function that is gone', base.DEC),
  interval = ProtoField.uint32('svcmob.keep_alive.interval', 'Interval T, milliseconds', base.DEC),
  misses = ProtoField.uint32('svcmob.keep_alive.misses', 'Misses M', base.DEC),
  error = ProtoField.uint16('svcmob.error', 'Error number', base.DEC, ERRORS),
  document = ProtoField.string('svcmob.document', 'Document'),
  part = ProtoField.uint16('svcmob.document.part', 'Part', base.DEC),
  parts = ProtoField.uint16('svcmob.document.parts', 'Parts', base.DEC),
}

-- Information of nodes (6) and functions (7): Sub-OP-Type, kind of value, last part of the field's name, title.
local KINDS = {
  fraction = function(name, title) return ProtoField.double(name, title) end,
  integer = function(name, title) return ProtoField.uint64(name, title, base.DEC) end,
  name = function(name, title) return ProtoField.string(name, title) end,
  status = function(name, title) return ProtoField.string(name, title) end,
  time = function(name, title) return ProtoField.absolute_time(name, title, base.UTC) end,
}

local function information(prefix, rows)
  local table_of = {}
  for _, row in ipairs(rows) do
    local field = KINDS[row[2]]('svcmob.' .. prefix .. '.' .. row[3], row[4])
    f[prefix .. '_' .. row[3]] = field
    table_of[row[1]] = { kind = row[2], field = field, title = row[4] }
  end
  return table_of
end

local INFORMATION = {
  [NODE_INFORMATION] = information('node', {
    { 1, 'fraction', 'capacity', 'Processing capacity, GHz' },
    { 2, 'fraction', 'load', 'Current load' },
    { 3, 'fraction', 'load_average', 'Average load' },
    { 10, 'integer', 'memory', 'Total memory, bytes' },
    { 11, 'integer', 'memory_free', 'Available memory, bytes' },
    { 20, 'integer', 'storage', 'Total storage, bytes' },
    { 21, 'integer', 'storage_free', 'Available storage, bytes' },
    { 30, 'integer', 'bandwidth', 'Total bandwidth, bit/s' },
    { 31, 'integer', 'bandwidth_used', 'Current used bandwidth, bit/s' },
    { 32, 'integer', 'bandwidth_average', 'Average used bandwidth, bit/s' },
    { 40, 'time', 'boot_time', 'Boot time' },
  }),
  [FUNCTION_INFORMATION] = information('function', {
    { 1, 'name', 'name', 'Function name' },
    { 2, 'fraction', 'load', 'Current load' },
    { 3, 'fraction', 'load_average', 'Average load' },
    { 10, 'integer', 'memory', 'Required memory, bytes' },
    { 11, 'integer', 'memory_free', 'Available memory, bytes' },
    { 20, 'integer', 'storage', 'Required storage, bytes' },
    { 21, 'integer', 'storage_free', 'Available storage, bytes' },
    { 31, 'integer', 'bandwidth_used', 'Current used bandwidth, bit/s' },
    { 32, 'integer', 'bandwidth_average', 'Average used bandwidth, bit/s' },
    { 40, 'time', 'boot_time', 'Boot time' },
    { 50, 'status', 'status', 'Running status' },
  }),
}

local SESSION_TITLES = {
  [1] = 'SIP URI',
  [2] = 'Contact address',
  [3] = 'Ratio to all sessions',
  [4] = 'Number of sessions',
}

do
  local all = {}
  for _, field in pairs(f) do all[#all + 1] = field end
  svcmob.fields = all
end

local malformed = ProtoExpert.new('svcmob.malformed', 'Malformed', expert.group.MALFORMED, expert.severity.ERROR)
local refused = ProtoExpert.new('svcmob.refused', 'Refused', expert.group.RESPONSE_CODE, expert.severity.NOTE)
local ignored = ProtoExpert.new('svcmob.ignored', 'Ignored', expert.group.PROTOCOL, expert.severity.WARN)
local unknown = ProtoExpert.new('svcmob.unknown', 'Unknown', expert.group.UNDECODED, expert.severity.NOTE)
local mismatch = ProtoExpert.new('svcmob.mismatch', 'Answer does not fit', expert.group.SEQUENCE, expert.severity.WARN)
svcmob.experts = { malformed, refused, ignored, unknown, mismatch }

-- ------------------------------------------------------------------ values

local UINT64_MAX = '18446744073709551615'

-- Digits of an unsigned 64-bit integer without leading zeros?
local function is_integer(text)
  if text ~= '0' and not text:match('^[1-9]%d*$') then return false end
  return #text < 20 or (#text == 20 and text <= UINT64_MAX)
end

-- The same with one to six decimals allowed.
local function is_fraction(text)
  local whole, decimals = text:match('^(%d+)%.(%d+)$')
  if not whole then return is_integer(text) end
  return is_integer(whole) and #decimals <= 6
end

local function to_uint64(digits)
  local value = UInt64(0)
  for digit in digits:gmatch('%d') do value = value * UInt64(10) + UInt64(tonumber(digit)) end
  return value
end

-- Well-formed UTF-8 without overlong forms and surrogates?
local function is_utf8(text)
  local at = 1
  while at <= #text do
    local first = text:byte(at)
    local more, low, high
    if first < 0x80 then more = 0
    elseif first >= 0xc2 and first <= 0xdf then more, low, high = 1, 0x80, 0xbf
    elseif first == 0xe0 then more, low, high = 2, 0xa0, 0xbf
    elseif first == 0xed then more, low, high = 2, 0x80, 0x9f
    elseif first >= 0xe1 and first <= 0xef then more, low, high = 2, 0x80, 0xbf
    elseif first == 0xf0 then more, low, high = 3, 0x90, 0xbf
    elseif first >= 0xf1 and first <= 0xf3 then more, low, high = 3, 0x80, 0xbf
    elseif first == 0xf4 then more, low, high = 3, 0x80, 0x8f
    else return false end
    for i = 1, more do
      local octet = text:byte(at + i)
      if not octet or octet < low or octet > high then return false end
      low, high = 0x80, 0xbf
    end
    at = at + more + 1
  end
  return true
end

-- 64-bit NTP timestamp; seconds with the top bit 0 belong to era 1, from 2036 on.
local function ntp_time(range)
  local seconds = range(0, 4):uint()
  local fraction = range(4, 4):uint()
  if seconds == 0 and fraction == 0 then return nil end
  if seconds < 2147483648 then seconds = seconds + 4294967296 end
  return NSTime.new(seconds - 2208988800, math.floor(fraction * 1e9 / 4294967296))
end

-- Raw octets of a value that may be empty.
local function raw(range) return range and range:raw() or '' end

-- A message being read: where to put things, and what is needed to judge it as a whole.
local function fault(state, item, text)
  state.malformed = true
  item:add_proto_expert_info(malformed, text)
end

local function expect_length(state, item, range, bytes)
  local length = range and range:len() or 0
  if length == bytes then return true end
  fault(state, item, string.format('%d octets, must be %d', length, bytes))
  return false
end

-- Text that must be UTF-8; returns it or nil.
local function expect_utf8(state, item, range)
  local text = raw(range)
  if is_utf8(text) then return text end
  fault(state, item, 'not UTF-8')
  return nil
end

-- ----------------------------------------------------------------- options

local READERS = {}

function READERS.fraction(state, item, entry, range)
  local text = raw(range)
  if not is_fraction(text) then return fault(state, item, 'not a decimal number') end
  item:add(entry.field, range, tonumber(text))
  return text
end

function READERS.integer(state, item, entry, range)
  local text = raw(range)
  if not is_integer(text) then return fault(state, item, 'not a decimal integer of 64 bits') end
  item:add(entry.field, range, to_uint64(text))
  return text
end

function READERS.name(state, item, entry, range)
  if range:len() > NAME_BYTES_MAX then
    return fault(state, item, string.format('name of %d octets, at most %d', range:len(), NAME_BYTES_MAX))
  end
  local text = expect_utf8(state, item, range)
  if text then item:add(entry.field, range, text) end
  return text
end

function READERS.status(state, item, entry, range)
  local text = raw(range)
  if not STATUSES[text] then return fault(state, item, 'no running status') end
  item:add(entry.field, range, text)
  state.status = state.status or text
  return text
end

function READERS.time(state, item, entry, range)
  if not expect_length(state, item, range, 8) then return nil end
  local time = ntp_time(range)
  if not time then
    item:append_text(' (unknown)')
    return nil
  end
  item:add(entry.field, range, time)
  return nil
end

local function read_information(state, item, option, range)
  local entry = INFORMATION[option.type][option.subtype]
  if not entry then
    item:add_proto_expert_info(unknown, 'Sub-OP-Type is not defined')
    return
  end
  item:append_text(', ' .. entry.title)
  if not range then
    item:append_text(' (not told)')
    return
  end
  local said = READERS[entry.kind](state, item, entry, range)
  if said then item:append_text(': ' .. said) end
end

local function read_session(state, item, option, range)
  local subtype = option.subtype
  local title = SESSION_TITLES[subtype]
  if not title then
    item:add_proto_expert_info(unknown, 'Sub-OP-Type is not defined')
    return
  end
  item:append_text(', ' .. title)
  state.sessions = true
  if not range then
    item:add(f.session_all)
    return
  end
  if subtype == 1 then
    local uri = expect_utf8(state, item, range)
    if uri then item:add(f.session_uri, range, uri) end
  elseif subtype == 2 then
    if range:len() == 4 then item:add(f.session_ipv4, range)
    elseif range:len() == 16 then item:add(f.session_ipv6, range)
    else item:add(f.session_contact, range) end
  elseif subtype == 3 then
    local text = raw(range)
    if not is_fraction(text) then fault(state, item, 'not a decimal number')
    elseif tonumber(text) > 1 then fault(state, item, 'ratio above 1')
    else item:add(f.session_ratio, range, tonumber(text)) end
  else
    READERS.integer(state, item, { field = f.session_count }, range)
  end
end

-- Extensions by their number: title, and what reads the data behind enterprise and number (nil: none).
local function document(title, most, protocol)
  return {
    title = title,
    read = function(state, item, range, pinfo)
      local length = range and range:len() or 0
      if length > most then
        return fault(state, item, string.format('document of %d octets, at most %d', length, most))
      end
      if not range then return end
      item:add(f.document, range)
      local json = Dissector.get(protocol)
      -- It writes into the protocol column, which is ours.
      if json then pcall(function() json:call(range:tvb(), pinfo, item) end) end
    end,
  }
end

local function fixed(title, bytes, add)
  return {
    title = title,
    read = function(state, item, range)
      if expect_length(state, item, range, bytes) then add(item, range, state) end
    end,
  }
end

local EXTENSIONS = {
  [0] = {
    title = 'hello',
    read = function(state, item, range)
      local length = range and range:len() or 0
      local version = length > 0 and range(0, 1):uint() or nil
      local wrong = version == 1 and length ~= 9 and length ~= 17
      if length < 9 or wrong then return fault(state, item, string.format('hello of %d octets', length)) end
      item:add(f.hello_version, range(0, 1))
      item:add(f.hello_instance, range(1, 8))
      if length >= 17 then item:add(f.hello_term, range(9, 8)) end
    end,
  },
  [1] = fixed('state transfer', 17, function(item, range, state)
    item:add(f.token, range(0, 16))
    local role = item:add(f.role, range(16, 1))
    if not ROLES[range(16, 1):uint()] then fault(state, role, 'role neither 1 nor 2') end
  end),
  [2] = fixed('function gone', 4, function(item, range) item:add(f.gone, range) end),
  [3] = fixed('KEEP-ALIVE timing', 8, function(item, range)
    item:add(f.interval, range(0, 4))
    item:add(f.misses, range(4, 4))
  end),
  [4] = fixed('error number', 2, function(item, range, state)
    item:add(f.error, range)
    state.error = range:uint()
  end),
  [5] = document('function specification', 32768, 'json'),
  [6] = document('slot assignment', 4096, 'json'),
  [7] = document('set configuration', 32768, 'json'),
  [8] = document('lease endpoint', 4096, 'json'),
  [9] = document('slot report', 32768, 'json'),
  [10] = document('function report', 16384, 'json'),
  [11] = document('state order', 4096, 'json'),
  [12] = document('state answer', 49152, 'json'),
  [13] = {
    title = 'set configuration, a part',
    read = function(state, item, range)
      local length = range and range:len() or 0
      if length < 4 then return fault(state, item, string.format('part of %d octets', length)) end
      local part, of = range(0, 2):uint(), range(2, 2):uint()
      item:add(f.part, range(0, 2))
      item:add(f.parts, range(2, 2))
      if part < 1 or part > of or of > 16 then return fault(state, item, string.format('part %d of %d', part, of)) end
      if length > 4 + 49152 then
        return fault(state, item, string.format('document of %d octets, at most %d', length - 4, 49152))
      end
      if length > 4 then item:add(f.document, range(4)) end
    end,
  },
}

local function read_extension(state, item, range, pinfo)
  local length = range and range:len() or 0
  if length < 4 then return fault(state, item, 'no enterprise number') end
  item:add(f.enterprise, range(0, 4))
  if range(0, 4):uint() ~= svcmob.prefs.enterprise then
    item:append_text(", another enterprise's")
    return
  end
  if length < 6 then return fault(state, item, 'no extension number') end
  local number = range(4, 2):uint()
  local extension = EXTENSIONS[number]
  local number_item = item:add(f.extension, range(4, 2))
  local data = length > 6 and range(6) or nil
  if not extension then
    item:append_text(string.format(', extension %d', number))
    number_item:add_proto_expert_info(unknown, 'Extension is not known')
    if data then item:add(f.extension_data, data) end
    return
  end
  number_item:append_text(' (' .. extension.title .. ')')
  item:append_text(', ' .. extension.title)
  if state.context.extensions[number] then fault(state, item, extension.title .. ' twice in one context') end
  state.context.extensions[number] = true
  extension.read(state, item, data, pinfo)
end

local function read_vendor(state, item, option, range, pinfo)
  if option.subtype == 1 then
    item:append_text(', text')
    if range and range:len() > TEXT_BYTES_MAX then
      return fault(state, item, string.format('text of %d octets, at most %d', range:len(), TEXT_BYTES_MAX))
    end
    local text = expect_utf8(state, item, range)
    if not text then return end
    if range then item:add(f.text, range, text) end
    state.text = state.text or text
  elseif option.subtype == 255 then
    read_extension(state, item, range, pinfo)
  else
    item:append_text(string.format('/%d', option.subtype))
    if range then item:add(f.option_value, range) end
    item:add_proto_expert_info(unknown, 'Sub-OP-Type is not ours')
  end
end

local function read_identifier(state, item, field, range, name)
  if not expect_length(state, item, range, 4) then return nil end
  item:add(field, range)
  local id = range:uint()
  item:append_text(string.format(': %.0f', id))
  if name == 'function' and id == 0 then item:append_text(' (node scope)') end
  if name == 'function' and id == 4294967295 then item:append_text(' (all functions)') end
  return id
end

-- A Node ID opens a context, a Function ID one inside it: what follows stands below them.
local function open_node(state, item, range)
  state.nodes = state.nodes + 1
  state.node = { item = item, extensions = {} }
  state.part = nil
  state.context = state.node
  local id = read_identifier(state, item, f.node_id, range, 'node')
  if id and state.nodes <= 2 then
    -- Behind a prepared ADD stands the node that the state will come from.
    local second = state.header.subtype >= MOVE and '->%.0f' or ' from=%.0f'
    state.who = state.who .. string.format(state.nodes == 1 and ' node=%.0f' or second, id)
  end
end

local function open_function(state, item, range)
  state.functions = state.functions + 1
  state.part = { item = item, extensions = {} }
  state.context = state.part
  local id = read_identifier(state, item, f.function_id, range, 'function')
  if id and state.functions == 1 then state.who = state.who .. string.format(' function=%.0f', id) end
end

local function read_wanted(state, item, option, range)
  local entry = INFORMATION[option.type] and INFORMATION[option.type][option.subtype]
  local title = entry and entry.title
    or (option.type == SESSION_INFORMATION and SESSION_TITLES[option.subtype])
    or (option.subtype == 0 and (option.type < NODE_INFORMATION and OPTIONS[option.type] or 'all of them'))
    or 'Sub-OP-Type ' .. option.subtype
  item:add(f.wanted, state.header_range, string.format('%d/%d', option.type, option.subtype)):append_text(' ' .. title)
  item:append_text(', wanted: ' .. title)
  local text = raw(range)
  if text ~= '' and text ~= '0' and not text:match('^%z+$') then
    item:add_proto_expert_info(ignored, 'A wanted option has a zero value')
  end
  if option.type == SESSION_INFORMATION then state.sessions = true end
end

local function read_address(state, item, option, range)
  local field = ({ [IPV4] = f.ipv4, [IPV6] = f.ipv6, [PORT] = f.port })[option.type]
  local bytes = ({ [IPV4] = 4, [IPV6] = 16, [PORT] = 2 })[option.type]
  if expect_length(state, item, range, bytes) then item:add(field, range) end
end

local function read_value(state, item, option, range, pinfo)
  local kind = option.type
  if kind <= PORT then read_address(state, item, option, range)
  elseif kind == NODE_INFORMATION then read_information(state, item, option, range)
  elseif kind == FUNCTION_INFORMATION then
    if state.part then read_information(state, item, option, range)
    else item:add_proto_expert_info(ignored, 'No Function ID before it') end
  elseif kind == SESSION_INFORMATION then read_session(state, item, option, range)
  else read_vendor(state, item, option, range, pinfo) end
end

local function place(state, option)
  if option.type == NODE_ID then return state.tree end
  if option.type == FUNCTION_ID then return state.node and state.node.item or state.tree end
  local part = state.part or state.node
  return part and part.item or state.tree
end

-- One option at `at`; returns where the next begins, or nil when it runs past the end.
local function read_option(state, tvb, at, pinfo)
  local left = tvb:len() - at
  if left < 4 then
    local item = state.tree:add(f.option, tvb(at))
    fault(state, item, string.format('%d octets are no option', left))
    return nil
  end
  local option = { type = tvb(at, 1):uint(), subtype = tvb(at + 1, 1):uint(), length = tvb(at + 2, 2):uint() }
  local past = option.length > left - 4
  local header = tvb(at, 4)
  local item = place(state, option):add(f.option, past and tvb(at) or tvb(at, 4 + option.length))
  item:set_text(OPTIONS[option.type] or string.format('Option %d/%d', option.type, option.subtype))
  item:add(f.option_type, header(0, 1))
  item:add(f.option_subtype, header(1, 1))
  local length_item = item:add(f.option_length, header(2, 2))
  if past then
    fault(state, length_item, string.format('runs past the end: %d octets are left', left - 4))
    return nil
  end
  local range = option.length > 0 and tvb(at + 4, option.length) or nil
  local next_at = at + 4 + option.length
  state.header_range = header
  if not OPTIONS[option.type] then
    if range then item:add(f.option_value, range) end
    item:add_proto_expert_info(unknown, 'OP-Type is not defined')
  elseif option.type <= FUNCTION_ID and option.subtype ~= 0 then
    if range then item:add(f.option_value, range) end
    item:add_proto_expert_info(unknown, 'Sub-OP-Type must be 0')
  elseif option.type == NODE_ID then
    open_node(state, item, range)
  else
    -- A plain peer leaves the Node IDs out of the ACK of MOVE_SESSION; elsewhere they come first.
    if not state.node and state.nodeless then
      state.node = { item = nil, extensions = {} }
      state.context = state.node
    end
    if not state.node then
      if range then item:add(f.option_value, range) end
      item:add_proto_expert_info(ignored, 'No Node ID before it')
    elseif option.type == FUNCTION_ID then
      open_function(state, item, range)
    elseif state.request and option.type ~= VENDOR then
      read_wanted(state, item, option, range)
    else
      read_value(state, item, option, range, pinfo)
    end
  end
  return next_at
end

local function judge_mandatory(state)
  local header = state.header
  local missing
  if state.nodes == 0 and not state.nodeless then
    missing = 'Node ID is mandatory'
  elseif header.type == OPERATION and COMMANDS[header.subtype] and header.subtype > 0 then
    local moves = header.subtype >= MOVE and header.subtype <= MOVE_SESSION
    if moves and state.nodes < 2 then missing = 'Destination Node ID is mandatory'
    elseif header.subtype == MOVE_SESSION then
      if not state.sessions then missing = 'Session information is mandatory' end
    elseif state.functions == 0 then
      missing = 'Function ID is mandatory'
    end
  end
  if missing then fault(state, state.tree, missing) end
end

-- ----------------------------------------------------- which answers which

local stream_of_tcp = Field.new('tcp.stream')
local asked, links, tls_streams, last_frame = {}, {}, {}, nil

function svcmob.init()
  asked, links, tls_streams, last_frame = {}, {}, {}, nil
end

-- Both ends number on their own, so an ACK belongs to the last message of that number from the other end.
local function conversation(pinfo)
  local stream = stream_of_tcp()
  local from = tostring(pinfo.src) .. ' ' .. pinfo.src_port
  local to = tostring(pinfo.dst) .. ' ' .. pinfo.dst_port
  local name = stream and tostring(stream.value) or ''
  return string.format('%s|%s|%s', name, from, to), string.format('%s|%s|%s', name, to, from)
end

local function link(pinfo, header, offset)
  local own = pinfo.number .. '/' .. offset
  if pinfo.visited then return links[own] end
  local forth, back = conversation(pinfo)
  if header.type ~= ACK then
    local entry = { frame = pinfo.number, time = pinfo.abs_ts, subtype = header.subtype, type = header.type }
    asked[forth .. '|' .. header.sequence] = entry
    links[own] = entry
    return entry
  end
  local entry = asked[back .. '|' .. header.sequence]
  if entry then
    entry.answer = entry.answer or pinfo.number
    links[own] = { to = entry.frame, took = pinfo.abs_ts - entry.time, asked = entry }
  end
  return links[own]
end

local function show_link(state, pinfo, header, offset)
  local entry = link(pinfo, header, offset)
  if not entry then return end
  if header.type ~= ACK then
    if entry.answer then state.tree:add(f.answered_in, entry.answer):set_generated() end
    return
  end
  state.tree:add(f.answer_to, entry.to):set_generated()
  -- Wireshark gives times as doubles: they tell microseconds, not less.
  local microseconds = math.floor(entry.took * 1e6 + 0.5)
  local took = NSTime.new(math.floor(microseconds / 1e6), microseconds % 1000000 * 1000)
  state.tree:add(f.answer_time, took):set_generated()
  state.tree:append_text(', to ' .. (MESSAGES[entry.asked.type] or 'an unknown type'))
  local copied = entry.asked.type == OPERATION and entry.asked.subtype or 0
  if header.subtype ~= copied and entry.asked.type == OPERATION then
    state.tree:add_proto_expert_info(mismatch, string.format('Sub-Type of what it answers is %d', copied))
  end
end

-- ---------------------------------------------------------------- messages

local function show_header(state, tvb)
  local header = state.header
  local tree = state.tree
  local type_item = tree:add(f.type, tvb(0, 1))
  if not MESSAGES[header.type] then fault(state, type_item, 'Type is not defined') end
  local counts = header.type == OPERATION or header.type == ACK
  local subtype_item = tree:add(f.subtype, tvb(1, 1))
  if counts then
    local command = tree:add(f.command, tvb(1, 1))
    if header.type == OPERATION and (header.subtype == 0 or not COMMANDS[header.subtype]) then
      fault(state, command, 'Command is not defined')
    end
  elseif header.subtype ~= 0 then
    subtype_item:add_proto_expert_info(ignored, 'Sub-Type counts in OPERATION and ACK only')
  end
  tree:add(f.length, tvb(2, 2))
  local code_item = tree:add(f.code, tvb(4, 1))
  if header.type == ACK then
    if header.code >= 128 then code_item:add_proto_expert_info(refused, CODES[header.code] or 'Failed, code not defined')
    elseif header.code > 0 then code_item:add_proto_expert_info(unknown, 'Code is not defined; below 128 it is success') end
  elseif header.code == 0 then
    code_item:set_text('Code: 0')
  else
    code_item:add_proto_expert_info(ignored, 'Code counts in ACK only')
  end
  tree:add(f.sequence, tvb(5, 3))
end

local function title_of(header)
  local name = MESSAGES[header.type] or string.format('Type %d', header.type)
  if (header.type == OPERATION or header.type == ACK) and header.subtype ~= 0 then
    name = name .. ' ' .. (COMMANDS[header.subtype] or header.subtype)
  end
  return name
end

local function summary(state)
  local header = state.header
  local parts = { title_of(header), string.format(' seq=%d', header.sequence) }
  if header.type == ACK then
    parts[#parts + 1] = ' ' .. (CODES[header.code] or string.format('code %d', header.code))
  end
  parts[#parts + 1] = state.who
  if state.status then parts[#parts + 1] = ' ' .. state.status end
  if state.error then parts[#parts + 1] = string.format(' error=%d', state.error) end
  if state.text and state.text ~= '' then parts[#parts + 1] = ' "' .. state.text:gsub('%c', ' ') .. '"' end
  if state.malformed then parts[#parts + 1] = ' [malformed]' end
  return table.concat(parts)
end

-- Several messages of one frame stand one behind the other in the column.
local function show_in_columns(pinfo, text)
  pinfo.cols.protocol = 'SVCMOB'
  if last_frame == pinfo.number then
    pinfo.cols.info:append(' | ' .. text)
  else
    pinfo.cols.info:set(text)
    last_frame = pinfo.number
  end
  pinfo.cols.info:fence()
end

local function dissect_message(tvb, pinfo, root)
  local tree = root:add(svcmob, tvb())
  local length = tvb:len() >= FRAME_HEADER_BYTES and tvb(2, 2):uint() or 0
  if tvb:len() < HEADER_BYTES or length < LENGTH_MIN then
    tree:add_proto_expert_info(malformed, string.format('Length %d: no frame has it, the stream ends here', length))
    if tvb:len() >= FRAME_HEADER_BYTES then
      tree:add(f.type, tvb(0, 1))
      tree:add(f.subtype, tvb(1, 1))
      tree:add(f.length, tvb(2, 2))
    end
    show_in_columns(pinfo, 'not to be framed [malformed]')
    return tvb:len()
  end
  local header = {
    type = tvb(0, 1):uint(),
    subtype = tvb(1, 1):uint(),
    length = length,
    code = tvb(4, 1):uint(),
    sequence = tvb(5, 3):uint(),
  }
  local state = {
    tree = tree,
    header = header,
    nodes = 0,
    functions = 0,
    who = '',
    request = header.type == KEEP_ALIVE or (header.type == OPERATION and header.subtype == GET),
    nodeless = header.type == ACK and header.subtype == MOVE_SESSION,
  }
  show_header(state, tvb)
  -- Over SCTP the user message bounds it, and must be what Length tells.
  if length + FRAME_HEADER_BYTES ~= tvb:len() then
    fault(state, tree, string.format('Length tells %d octets, the message has %d', length + FRAME_HEADER_BYTES, tvb:len()))
  end
  local at = HEADER_BYTES
  while at and at < tvb:len() do at = read_option(state, tvb, at, pinfo) end
  if not state.malformed then judge_mandatory(state) end
  local said = summary(state)
  tree:append_text(', ' .. said)
  show_link(state, pinfo, header, tvb:offset())
  show_in_columns(pinfo, said)
  return tvb:len()
end

local function frame_bytes(tvb, _, offset)
  local length = tvb(offset + 2, 2):uint()
  -- What cannot be framed takes the rest: nobody knows where the next message would begin.
  if length < LENGTH_MIN then return math.max(FRAME_HEADER_BYTES, tvb:reported_length_remaining(offset)) end
  return length + FRAME_HEADER_BYTES
end

-- On the same port there may be TLS: its records begin with 20 to 23 and version 3, which no message does.
local function is_tls(tvb)
  local stream = stream_of_tcp()
  local name = stream and tostring(stream.value) or ''
  if tls_streams[name] == nil and tvb:len() >= 3 then
    local kind = tvb(0, 1):uint()
    tls_streams[name] = kind >= 20 and kind <= 23 and tvb(1, 1):uint() == 3 and tvb(2, 1):uint() <= 4
  end
  return tls_streams[name] == true
end

local in_tls = false

function svcmob.dissector(tvb, pinfo, root)
  if tvb:len() == 0 then return 0 end
  if pinfo.port_type == 1 then return dissect_message(tvb, pinfo, root) end
  if not in_tls and is_tls(tvb) then
    -- TLS calls us again with what it could decrypt.
    in_tls = true
    local ok, taken = pcall(function() return Dissector.get('tls'):call(tvb, pinfo, root) end)
    in_tls = false
    if not ok then error(taken, 0) end
    return taken
  end
  dissect_tcp_pdus(tvb, root, FRAME_HEADER_BYTES, frame_bytes, dissect_message)
  return tvb:len()
end

local registered = {}

local function register(table_name, port)
  local dissectors = DissectorTable.get(table_name)
  if not dissectors then return end
  if registered[table_name] and registered[table_name] > 0 then dissectors:remove(registered[table_name], svcmob) end
  if port > 0 then dissectors:add(port, svcmob) end
  registered[table_name] = port
end

local function register_all()
  register('tcp.port', svcmob.prefs.tcp_port)
  register('tls.port', svcmob.prefs.tcp_port)
  register('sctp.port', svcmob.prefs.sctp_port)
end

svcmob.prefs_changed = register_all
register_all()
