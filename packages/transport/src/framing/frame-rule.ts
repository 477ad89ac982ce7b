// SPDX-License-Identifier: Apache-2.0

/** How a protocol cuts a stream into frames: a fixed header that tells the length of the whole. */
export interface FrameRule {
  /** Octets needed to know the length. */
  readonly headerBytes: number;
  /**
   * The length of the whole frame, header and padding included. Less than `headerBytes`, or a throw, means
   * malformed.
   */
  frameBytes(header: Uint8Array): number;
  /** A longer frame is refused as soon as its header is there. */
  readonly frameBytesMax: number;
}

/**
 * No frames: what is read is passed on as it came. For streams whose peers have no framing in common with us; an accepted
 * connection has to be silent no longer than `frameTimeoutMs` before its first octets.
 */
export const unframed: FrameRule = {
  headerBytes: 0,
  frameBytes: () => 0,
  frameBytesMax: Number.POSITIVE_INFINITY,
};

/** The stream cannot be framed any more. */
export class FrameError extends Error {
  override readonly name: string = 'FrameError';
  readonly code: 'frame-malformed' | 'frame-too-large';

  constructor(code: 'frame-malformed' | 'frame-too-large', message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
