// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { HAND_HELP, HandCommandError, parseHandCommand } from '../../src/mobility/hand-command.ts';
import { splitWords } from '../../src/mobility/words.ts';

const ORDER = { plain: false, name: null, specification: null };
const DESTINATION = { node: 11, address: null, port: null };

describe('lines', () => {
  test.each([
    { line: 'nodes', command: { type: 'nodes' } },
    { line: '  show 10 ', command: { type: 'show', node: 10 } },
    { line: 'get 10 node', command: { type: 'get', node: 10, function: 0 } },
    { line: 'get 10 all', command: { type: 'get', node: 10, function: 0xffffffff } },
    {
      line: `add 10 101 --name "P-CSCF one" --spec 'a b.yaml'`,
      command: {
        type: 'add',
        node: 10,
        function: 101,
        name: 'P-CSCF one',
        specification: 'a b.yaml',
        from: null,
      },
    },
    {
      line: 'add 11 101 --from 10',
      command: { type: 'add', node: 11, function: 101, name: null, specification: null, from: 10 },
    },
    {
      line: 'move 10 101 --to 11 --at [2001:db8::11]:51000 --token 00112233445566778899aabbccddeeff',
      command: {
        ...ORDER,
        type: 'move',
        node: 10,
        function: 101,
        copyId: null,
        sessions: [],
        to: {
          node: 11,
          address: '2001:db8::11',
          port: 51e3,
        },
        token: Uint8Array.from({ length: 16 }, (_each, i) => i * 17),
      },
    },
    {
      line: 'copy 10 101 --to 11 --as 102',
      command: {
        ...ORDER,
        type: 'copy',
        node: 10,
        function: 101,
        to: DESTINATION,
        token: null,
        copyId: 102,
        sessions: [],
      },
    },
    {
      line: 'move-session 10 101 --to 11 --as 202 --all --contact 192.0.2.7 --uri sip:alice@example.com',
      command: {
        ...ORDER,
        type: 'move-session',
        node: 10,
        function: 101,
        to: DESTINATION,
        token: null,
        copyId: 202,
        sessions: [
          { type: 'all', subType: 3 },
          { type: 'sip-uri', uri: 'sip:alice@example.com' },
          { type: 'contact', contact: Uint8Array.of(192, 0, 2, 7) },
        ],
      },
    },
    {
      line: 'move-session 10 --to 11 --ratio 0.3 --count 5',
      command: {
        ...ORDER,
        type: 'move-session',
        node: 10,
        function: null,
        to: DESTINATION,
        token: null,
        copyId: null,
        sessions: [
          {
            type: 'ratio',
            ratio: 0.3,
          },
          {
            type: 'count',
            count: 5n,
          },
        ],
      },
    },
    {
      line: 'move 10 101 --to 11 --plain --name HSS',
      command: {
        type: 'move',
        node: 10,
        function: 101,
        to: DESTINATION,
        token: null,
        plain: true,
        name: 'HSS',
        specification: null,
        copyId: null,
        sessions: [],
      },
    },
    { line: 'wait 10', command: { type: 'wait', node: 10, function: null, status: 'Running' } },
    { line: 'wait 10 101 gone', command: { type: 'wait', node: 10, function: 101, status: 'gone' } },
  ])('$line', ({ line, command }) => {
    expect(parseHandCommand(line)).toEqual(command);
  });

  test.each(['', '   ', '# nodes'])('%j asks for nothing', (line) => {
    expect(parseHandCommand(line)).toBeUndefined();
  });

  test.each([
    { line: 'start', says: 'there is no command "start"; say help' },
    { line: 'toString', says: 'there is no command "toString"' },
    { line: 'show', says: 'show: say show NODE' },
    { line: 'show ten', says: '"ten" is no number of a node' },
    { line: 'show 0', says: '"0" is no number of a node' },
    { line: 'delete 10 all', says: '"all" is no number of a function' },
    { line: 'add 10 4294967295', says: '"4294967295" is no number of a function' },
    { line: 'delete 10 101 --name x', says: 'delete has no --name' },
    { line: 'add 10 101 --spec', says: "add: Option '--spec <value>' argument missing" },
    { line: 'add 10 101 --size 5', says: "add: Unknown option '--size'" },
    { line: 'move 10 101', says: 'move has a destination: say move NODE FUNCTION --to NODE' },
    { line: 'move 10 101 --to 11 --at here:1', says: '--at here:1: it is ADDRESS:PORT' },
    { line: 'move 10 101 --to 11 --at 192.0.2.1:0', says: '--at 192.0.2.1:0: it is' },
    { line: 'move 10 101 --to 11 --token 00ff', says: '--token is 32 hexadecimal digits' },
    { line: `move 10 101 --to 11 --plain --token ${'00'.repeat(16)}`, says: 'a plain order has no --token' },
    { line: 'move 10 101 --to 11 --as 5', says: 'move has no --as' },
    {
      line: 'move-session 10 --to 11 --contact somewhere',
      says: '--contact somewhere: it is an IPv4 or IPv6',
    },
    { line: 'move-session 10 --to 11', says: 'say which, by --all, --ratio' },
    { line: 'move-session 10 --to 11 --ratio 1.5', says: '--ratio 1.5: it is 0 to 1' },
    { line: 'wait 10 101', says: 'wait: say wait NODE, or wait NODE FUNCTION STATUS' },
    { line: 'wait 10 101 running', says: '"running" is none of Starting, Running' },
  ])('$line: $says', ({ line, says }) => {
    expect(() => parseHandCommand(line)).toThrow(HandCommandError);
    expect(() => parseHandCommand(line)).toThrow(says);
  });
});

test('every command that the help names can be given', () => {
  const names = [...HAND_HELP.matchAll(/^[a-z-]+/gm)].map(([name]) => name);
  expect(names).toHaveLength(13);
  for (const name of names) {
    try {
      parseHandCommand(name);
    } catch (error) {
      expect((error as Error).message).not.toContain('there is no command');
    }
  }
});

test.each([
  { line: `a  b\t'c d'e "f 'g'"`, words: ['a', 'b', 'c de', "f 'g'"] },
  { line: 'a "b c', words: ['a', 'b c'] },
  { line: `'' x`, words: ['', 'x'] },
])('words of $line', ({ line, words }) => {
  expect(splitWords(line)).toEqual(words);
});
