// SPDX-License-Identifier: Apache-2.0

// How long a holder that lets go may take for its last word, and so how long its successor waits for that: one is made of the other.

/** For a function to say what it has still to say, when its slot is left. */
export const LAST_CHANGES_MS = 5_000;
/** For these changes to be confirmed by whoever takes over, and once more for all that is sent with the end. */
export const LAST_CONFIRMED_MS = 1_000;
/** A holder from which nothing came for so long, neither updates nor its marks, says nothing more: who waits for it goes on. */
export const UNHEARD_MS = 500;
/** From the grant; the two sides do not begin at one moment. */
export const LAST_WORD_MS: number = LAST_CHANGES_MS + 2 * LAST_CONFIRMED_MS + UNHEARD_MS;
