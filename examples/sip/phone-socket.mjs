// SPDX-License-Identifier: Apache-2.0
// What phones have in common: messages of calls, and their repetition as in RFC 3261 §17.
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import {
  decodeSipMessage,
  encodeSipMessage,
  headerValue,
  headerValues,
  parseNameAddress,
  readSipEssentials,
  withHeader,
} from '@vnfpool/wire/sip';
import { responseTo } from '../ims/messages.mjs';

const PORT = 5060;
const DOMAIN = 'example.test';
const T1_MS = 500;
const T2_MS = 4_000;
/** Timers B, F and H. */
const GIVE_UP_MS = 64 * T1_MS;
const REASONS = { 180: 'Ringing', 200: 'OK', 481: 'Call/Transaction Does Not Exist' };

const random = () => randomBytes(8).toString('hex');
const uriOf = (value) => parseNameAddress(value).uri;
const branchOf = ({ vias: [top] }) => top.parameters.get('branch');

export class PhoneSocket {
  #socket;
  #address;
  #proxy;
  /** `branch method` → what takes the response. */
  #asked = new Map();
  /** Branch of an INVITE → its ACK, for a 200 that comes again. */
  #acks = new Map();
  /** What is repeated until it is stopped. */
  #repeats = new Map();
  /** Requests of others: `{ method, callId, cseq, isWithin, request }`. */
  onRequest = () => {};

  static async open(address, proxy) {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 1_048_576 });
    await new Promise((resolve) => socket.bind(PORT, address, resolve));
    return new PhoneSocket(socket, address, proxy);
  }

  constructor(socket, address, proxy) {
    this.#socket = socket;
    this.#address = address;
    this.#proxy = proxy;
    socket.on('message', (datagram) => this.#take(decodeSipMessage(datagram)));
    socket.on('error', () => {});
  }

  async register(user) {
    const aor = `<sip:${user}@${DOMAIN}>`;
    const fields = { From: `${aor};tag=${random()}`, To: aor, 'Call-ID': random(), Expires: '3600' };
    await this.#request('REGISTER', `sip:${DOMAIN}`, { ...fields, Contact: this.#contact }, 1);
  }

  /** What the proxy tells of itself. */
  async ask() {
    const fields = { From: `<sip:x@${DOMAIN}>;tag=${random()}`, To: `<sip:${DOMAIN}>`, 'Call-ID': random() };
    const more = { Accept: 'application/json' };
    const { response } = await this.#request('OPTIONS', `sip:${DOMAIN}`, { ...fields, ...more }, 1);
    return { told: JSON.parse(new TextDecoder().decode(response.body)) };
  }

  async call(user) {
    const [callId, local] = [random(), `<sip:alice@${DOMAIN}>;tag=${random()}`];
    const uri = `sip:${user}@${DOMAIN}`;
    const call = { callId, local, remote: `<${uri}>`, target: uri, routes: [], cseq: 1 };
    return this.#invite(call);
  }

  /** In a call. */
  inviteAgain(call) {
    call.cseq += 1;
    return this.#invite(call);
  }

  async hangUp(call) {
    call.cseq += 1;
    await this.#request('BYE', call.target, this.#fieldsOf(call), call.cseq, call.routes);
  }

  /** Answers a request; gives the tag of To. */
  reply({ request }, status, tag = random()) {
    this.#send(this.#replyTo(request, status, tag));
    return tag;
  }

  /** Lets a call in: repeats 200 until there is the ACK. */
  accept({ request, callId, cseq }, tag) {
    const response = this.#replyTo(request, 200, tag);
    this.#repeat(`${callId} ${cseq}`, response, { mostMs: T2_MS, onGivenUp: () => {} });
  }

  async #invite(call) {
    const fields = { ...this.#fieldsOf(call), Contact: this.#contact };
    const asked = await this.#request('INVITE', call.target, fields, call.cseq, call.routes);
    call.remote = headerValue(asked.response, 'To');
    call.target = uriOf(headerValue(asked.response, 'Contact'));
    call.routes = headerValues(asked.response, 'Record-Route').toReversed();
    const ack = this.#make('ACK', call.target, this.#fieldsOf(call), call.cseq, call.routes);
    this.#acks.set(asked.branch, ack);
    this.#send(ack);
    return call;
  }

  #fieldsOf({ local, remote, callId }) {
    return { From: local, To: remote, 'Call-ID': callId };
  }

  get #contact() {
    return `<sip:${this.#address}:${PORT}>`;
  }

  #make(method, uri, fields, cseq, routes = [], branch = `z9hG4bK${random()}`) {
    const via = `SIP/2.0/UDP ${this.#address}:${PORT};branch=${branch}`;
    const all = { Via: via, 'Max-Forwards': '70', CSeq: `${cseq} ${method}`, ...fields };
    const headers = Object.entries(all).map(([name, value]) => ({ name, value }));
    return withHeader({ type: 'request', method, uri, headers, body: new Uint8Array() }, 'Route', routes);
  }

  /** Resolves by a 2xx: `{ response, branch }`. */
  #request(method, uri, fields, cseq, routes) {
    const branch = `z9hG4bK${random()}`;
    const request = this.#make(method, uri, fields, cseq, routes, branch);
    const key = `${branch} ${method}`;
    return new Promise((resolve, reject) => {
      const isInvite = method === 'INVITE';
      const finish = (end) => {
        this.#stop(key);
        this.#asked.delete(key);
        clearTimeout(late);
        end();
      };
      const giveUp = () => finish(() => reject(new Error(`${method}: not answered`)));
      const late = setTimeout(giveUp, GIVE_UP_MS);
      this.#asked.set(key, (response) => {
        if (response.status < 200) {
          // Somebody has it, and repeats it from now on.
          if (isInvite) this.#stop(key);
        } else if (response.status < 300) finish(() => resolve({ response, branch }));
        else finish(() => reject(new Error(`${method}: ${response.status} ${response.reason}`)));
      });
      this.#repeat(key, request, { mostMs: isInvite ? GIVE_UP_MS : T2_MS, onGivenUp: giveUp });
    });
  }

  #replyTo(request, status, tag) {
    const response = responseTo(request, status, REASONS[status], { tag });
    if (request.method !== 'INVITE') return response;
    const routed = withHeader(response, 'Record-Route', headerValues(request, 'Record-Route'));
    return withHeader(routed, 'Contact', [this.#contact]);
  }

  #take(message) {
    const essentials = readSipEssentials(message);
    const { callId, cseq, to } = essentials;
    if (message.type === 'response') {
      const branch = branchOf(essentials);
      const taken = this.#asked.get(`${branch} ${cseq.method}`);
      if (taken) taken(message);
      else if (cseq.method === 'INVITE' && this.#acks.has(branch)) this.#send(this.#acks.get(branch));
      return;
    }
    const { method } = message;
    if (method === 'ACK') this.#stop(`${callId} ${cseq.number}`);
    // A re-INVITE that comes again, while its answer is repeated anyway.
    else if (method === 'INVITE' && this.#repeats.has(`${callId} ${cseq.number}`)) return;
    const isWithin = to.parameters.has('tag');
    this.onRequest({ method, callId, cseq: cseq.number, isWithin, request: message });
  }

  #repeat(key, message, { mostMs, onGivenUp }) {
    const began = performance.now();
    let waitMs = T1_MS;
    const again = () => {
      if (performance.now() - began >= GIVE_UP_MS) {
        this.#stop(key);
        onGivenUp();
        return;
      }
      this.#send(message);
      this.#repeats.set(key, setTimeout(again, waitMs));
      waitMs = Math.min(waitMs * 2, mostMs);
    };
    again();
  }

  #stop(key) {
    clearTimeout(this.#repeats.get(key));
    this.#repeats.delete(key);
  }

  /** To the proxy; what cannot be sent while nobody has its address is repeated as if it were lost. */
  #send(message) {
    this.#socket.send(encodeSipMessage(message), PORT, this.#proxy, () => {});
  }
}
