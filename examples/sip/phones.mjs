#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/*
 * Phones, as many as there are calls, at one socket. They repeat what is not answered as RFC 3261 has it (T1 500 ms), and give up as it
 * has it.
 *
 *   phones.mjs callee ADDRESS PROXY [RINGING_MS]   registers bob, lets each call in, and tells of them when asked by a line
 *   phones.mjs caller ADDRESS PROXY                does what the lines on its standard input say, and tells how it went:
 *
 *     open N             N calls at once
 *     stream N EVERY_MS  N more, one after the other, each told of at the end
 *     again              a re-INVITE in each call
 *     end N              the goodbye of the N oldest calls
 *     waiting            how many are under way that are no calls yet
 *     proxy              what the proxy tells of itself
 */
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { PhoneSocket } from './phone-socket.mjs';

const say = (facts) => process.stdout.write(`${JSON.stringify(facts)}\n`);

function tally(names) {
  const counts = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** What became of several: `{ done, failed: { reason: how many }, longestMs }`. */
async function outcomeOf(runs) {
  const ends = await Promise.all(
    runs.map(async (run) => {
      const began = performance.now();
      const failure = await run().then(
        () => null,
        (error) => error.message,
      );
      return { failure, ms: performance.now() - began };
    }),
  );
  const failed = ends.filter(({ failure }) => failure !== null);
  const times = ends.filter(({ failure }) => failure === null).map(({ ms }) => ms);
  return {
    done: times.length,
    failed: tally(failed.map(({ failure }) => failure)),
    longestMs: Math.round(Math.max(0, ...times)),
  };
}

async function callee(address, proxy, ringingMs) {
  const phones = await PhoneSocket.open(address, proxy);
  const calls = new Map();
  phones.onRequest = (request) => {
    const known = calls.get(request.callId);
    if (request.method === 'INVITE' && !request.isWithin) {
      // What was answered is repeated anyway.
      if (known?.state === 'ringing') phones.reply(request, 180, known.tag);
      if (known) return;
      const call = { state: 'ringing', again: 0, tag: phones.reply(request, 180) };
      calls.set(request.callId, call);
      setTimeout(() => {
        call.state = 'answered';
        phones.accept(request, call.tag);
      }, ringingMs);
      return;
    }
    if (known === undefined || known.state === 'ended') {
      // A goodbye that comes again is answered again.
      if (request.method !== 'ACK') phones.reply(request, known && request.method === 'BYE' ? 200 : 481);
      return;
    }
    if (request.method === 'INVITE') {
      known.again = Math.max(known.again, request.cseq - 1);
      phones.accept(request);
    } else if (request.method === 'ACK') known.state = 'established';
    else if (request.method === 'BYE') {
      known.state = 'ended';
      phones.reply(request, 200);
    }
  };
  await phones.register('bob');
  say({ ready: true });
  for await (const _line of createInterface({ input: process.stdin })) {
    const all = [...calls.values()];
    say({
      calls: tally(all.map(({ state }) => state)),
      again: all.reduce((sum, each) => sum + each.again, 0),
    });
  }
  process.exit(0);
}

async function caller(address, proxy) {
  const phones = await PhoneSocket.open(address, proxy);
  const calls = [];
  let underWay = 0;
  const dial = async () => {
    underWay += 1;
    try {
      calls.push(await phones.call('bob'));
    } finally {
      underWay -= 1;
    }
  };
  const orders = {
    open: (count) => outcomeOf(Array.from({ length: count }, () => dial)),
    // Begun in order, so that some are at each stage of their way at any moment.
    stream: (count, everyMs) => {
      const later = (_, number) => async () => {
        await pause(number * everyMs);
        const began = performance.now();
        await dial();
        slowest = Math.max(slowest, performance.now() - began);
      };
      let slowest = 0;
      return outcomeOf(Array.from({ length: count }, later)).then((outcome) => ({
        ...outcome,
        longestMs: Math.round(slowest),
      }));
    },
    again: () => outcomeOf(calls.map((call) => () => phones.inviteAgain(call))),
    end: (count) => outcomeOf(calls.splice(0, count).map((call) => () => phones.hangUp(call))),
    waiting: () => Promise.resolve({ underWay }),
    proxy: () => phones.ask(),
  };
  say({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) {
    const [order, ...numbers] = line.split(' ');
    // Several may be under way.
    void orders[order](...numbers.map(Number)).then((outcome) =>
      say({ order, ...outcome, calls: calls.length }),
    );
  }
  process.exit(0);
}

const [role, address, proxy, ringingMs = '500'] = process.argv.slice(2);
if (role === 'callee' && proxy) await callee(address, proxy, Number(ringingMs));
else if (role === 'caller' && proxy) await caller(address, proxy);
else {
  process.stderr.write('say phones.mjs callee|caller ADDRESS PROXY [RINGING_MS]\n');
  process.exit(2);
}
