// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import {
  decodeSipMessage,
  encodeSipMessage,
  headerValue,
  headerValues,
  parseNameAddress,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  withHeader,
} from '@vnfpool/wire/sip';
import { onTestFinished } from 'vitest';

const HOST = '127.0.0.1';
/** Shorter than a phone's T1, so that a test does not wait. */
const REPEAT_MS = 100;

export const random = (): string => randomBytes(8).toString('hex');

/** One end of a call. */
export interface Call {
  readonly callId: string;
  /** This end's address with its tag, and the other's. */
  readonly local: string;
  remote: string;
  target: string;
  readonly routes: readonly string[];
  state: 'ringing' | 'answered' | 'established' | 'cancelled' | 'ended';
  cseq: number;
  /** The INVITE, of the called end. */
  readonly invite: SipRequest;
}

/** A phone that says what RFC 3261 wants and nothing more: repeats what is not answered, and answers repetitions. */
export class Phone {
  readonly user: string;
  /** Calls that came in, by Call-ID. */
  readonly calls = new Map<string, Call>();
  /** 200 for INVITEs as they come; else they ring until `answer`. */
  answers = true;
  readonly #socket: Socket;
  readonly #proxyPort: number;
  readonly #waiting = new Map<string, (response: SipResponse) => void>();
  /** ACKs by the branch of the INVITE: a repeated 200 is answered by them. */
  readonly #acks = new Map<string, SipMessage>();
  readonly #repeats = new Map<string, NodeJS.Timeout>();

  private constructor(user: string, socket: Socket, proxyPort: number) {
    this.user = user;
    this.#socket = socket;
    this.#proxyPort = proxyPort;
    socket.on('message', (datagram) => this.#take(decodeSipMessage(datagram)));
    onTestFinished(() => {
      for (const timer of this.#repeats.values()) clearInterval(timer);
      socket.close();
    });
  }

  static async open(user: string, proxyPort: number): Promise<Phone> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 1_048_576 });
    await new Promise<void>((resolve) => socket.bind(0, HOST, resolve));
    return new Phone(user, socket, proxyPort);
  }

  get place(): string {
    return `${HOST}:${this.#socket.address().port}`;
  }

  async register(expires = 600): Promise<SipResponse> {
    const aor = `<sip:${this.user}@example.test>`;
    const fields = { From: `${aor};tag=${random()}`, To: aor, 'Call-ID': random(), Expires: String(expires) };
    return await this.ask('REGISTER', 'sip:example.test', { ...fields, Contact: `<sip:${this.place}>` });
  }

  /** Sends a request and repeats it until there is a final response. */
  async ask(
    method: string,
    uri: string,
    fields: Record<string, string>,
    { routes = [], branch = `z9hG4bK${random()}`, cseq = 1, onRinging = () => undefined }: AskOptions = {},
  ): Promise<SipResponse> {
    const headers = {
      Via: `SIP/2.0/UDP ${this.place};rport;branch=${branch}`,
      'Max-Forwards': '70',
      CSeq: `${cseq} ${method}`,
      ...fields,
    };
    const request: SipRequest = {
      type: 'request',
      method,
      uri,
      headers: Object.entries(headers).map(([name, value]) => ({ name, value })),
      body: new Uint8Array(),
    };
    const routed = withHeader(request, 'Route', routes);
    const key = `${branch} ${method}`;
    return await new Promise((resolve) => {
      this.#waiting.set(key, (response) => {
        if (method === 'INVITE' || response.status >= 200) this.#stop(key);
        if (response.status === 180) onRinging();
        if (response.status < 200) return;
        this.#waiting.delete(key);
        if (method === 'INVITE') this.#acknowledge(routed, branch, response);
        resolve(response);
      });
      this.#repeat(key, routed);
    });
  }

  /** Calls a user; gives the call when it is established. */
  async call(user: string, options: AskOptions = {}): Promise<Call> {
    const callId = random();
    const local = `<sip:${this.user}@example.test>;tag=${random()}`;
    const response = await this.ask(
      'INVITE',
      `sip:${user}@example.test`,
      {
        From: local,
        To: `<sip:${user}@example.test>`,
        'Call-ID': callId,
        Contact: `<sip:${this.place}>`,
      },
      options,
    );
    if (response.status !== 200) throw new Error(`${response.status} ${response.reason}`);
    return {
      callId,
      local,
      remote: headerValue(response, 'To') ?? '',
      target: uriOf(headerValue(response, 'Contact')),
      routes: headerValues(response, 'Record-Route').toReversed(),
      state: 'established',
      cseq: 1,
      invite: null as unknown as SipRequest,
    };
  }

  /** Lets a ringing call in. */
  answer(call: Call): void {
    call.state = 'answered';
    this.#repeat(`200 ${call.callId}`, this.#reply(call, 200, 'OK'));
  }

  async hangUp(call: Call): Promise<number> {
    const fields = { From: call.local, To: call.remote, 'Call-ID': call.callId };
    call.cseq += 1;
    const { status } = await this.ask('BYE', call.target, fields, { routes: call.routes, cseq: call.cseq });
    call.state = 'ended';
    return status;
  }

  #take(message: SipMessage): void {
    const branch = /branch=([^;,\s]+)/.exec(headerValue(message, 'Via') ?? '')?.[1] ?? '';
    const method = headerValue(message, 'CSeq')?.split(' ')[1] ?? '';
    if (message.type === 'request') {
      this.#request(message);
      return;
    }
    const waiting = this.#waiting.get(`${branch} ${method}`);
    const ack = this.#acks.get(branch);
    if (waiting) waiting(message);
    else if (ack && method === 'INVITE' && message.status >= 200) this.#send(ack);
  }

  #request(request: SipRequest): void {
    const callId = headerValue(request, 'Call-ID') ?? '';
    const call = this.calls.get(callId);
    switch (request.method) {
      case 'INVITE':
        if (!call) this.#ring(request, callId);
        else if (call.state === 'ringing') this.#send(this.#reply(call, 180, 'Ringing'));
        return;
      case 'ACK':
        this.#stop(`200 ${callId}`);
        this.#stop(`487 ${callId}`);
        if (call?.state === 'answered') call.state = 'established';
        return;
      case 'CANCEL':
        this.#send(responseTo(request, 200, 'OK'));
        if (call?.state !== 'ringing') return;
        call.state = 'cancelled';
        this.#repeat(`487 ${callId}`, this.#reply(call, 487, 'Request Terminated'));
        return;
      case 'BYE':
        if (call) call.state = 'ended';
        this.#stop(`200 ${callId}`);
        this.#send(responseTo(request, 200, 'OK'));
        return;
      default:
        this.#send(responseTo(request, 200, 'OK'));
    }
  }

  #ring(invite: SipRequest, callId: string): void {
    const call: Call = {
      callId,
      invite,
      local: `${headerValue(invite, 'To')};tag=${random()}`,
      remote: headerValue(invite, 'From') ?? '',
      target: uriOf(headerValue(invite, 'Contact')),
      routes: headerValues(invite, 'Record-Route'),
      state: 'ringing',
      cseq: 0,
    };
    this.calls.set(callId, call);
    this.#send(this.#reply(call, 180, 'Ringing'));
    if (this.answers) this.answer(call);
  }

  #reply(call: Call, status: number, reason: string): SipResponse {
    const response = withHeader(responseTo(call.invite, status, reason), 'To', [call.local]);
    const routed = withHeader(response, 'Record-Route', headerValues(call.invite, 'Record-Route'));
    return withHeader(routed, 'Contact', [`<sip:${this.place}>`]);
  }

  #acknowledge(invite: SipRequest, branch: string, response: SipResponse): void {
    const isCall = response.status < 300;
    const cseq = headerValue(invite, 'CSeq')?.replace('INVITE', 'ACK') ?? '';
    let ack: SipRequest = withHeader({ ...invite, method: 'ACK' }, 'CSeq', [cseq]);
    ack = withHeader(ack, 'To', [headerValue(response, 'To') ?? '']);
    if (isCall) {
      ack = withHeader(ack, 'Via', [`SIP/2.0/UDP ${this.place};rport;branch=z9hG4bK${random()}`]);
      ack = withHeader(ack, 'Route', headerValues(response, 'Record-Route').toReversed());
      ack = { ...ack, uri: uriOf(headerValue(response, 'Contact')) };
    }
    this.#acks.set(branch, ack);
    this.#send(ack);
  }

  #repeat(key: string, message: SipMessage): void {
    this.#send(message);
    this.#repeats.set(
      key,
      setInterval(() => this.#send(message), REPEAT_MS),
    );
  }

  #stop(key: string): void {
    clearInterval(this.#repeats.get(key));
    this.#repeats.delete(key);
  }

  #send(message: SipMessage): void {
    this.#socket.send(encodeSipMessage(message), this.#proxyPort, HOST);
  }
}

interface AskOptions {
  readonly routes?: readonly string[];
  readonly branch?: string;
  readonly cseq?: number;
  readonly onRinging?: () => void;
}

const uriOf = (value = ''): string => parseNameAddress(value).uri;

export function responseTo(request: SipRequest, status: number, reason: string): SipResponse {
  const copied = ['Via', 'From', 'To', 'Call-ID', 'CSeq'];
  const headers = request.headers.filter(({ name }) => copied.includes(name));
  return { type: 'response', status, reason, headers, body: new Uint8Array() };
}
