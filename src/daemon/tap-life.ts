/** How a tap ended. Nothing leaves these. */
export type TapEnding =
  /** The server is as it was, and the tap's row is gone. */
  | 'restored'
  /** Told to leave: recording continues at the server, for the next daemon to read. */
  | 'left'
  /** The server could not be restored: the tap's row stays in the store, with the reason. */
  | 'unrestored'
  /** The server has a tap already, which the captures are handed to. */
  | 'taken';

/** Where a tap is in its life. */
export type TapState =
  /**
   * **connecting**: there is no connection to the server.
   *
   * Entered at the beginning, and whenever a connection is lost or given up.
   * Holds: the store says how far everything is committed; what is switched on at the server stays on, and
   * what is received waits there. Captures may be added.
   * Left to *connected* when the server is reached, locked and known to be the right one; to an ending.
   */
  | { readonly name: 'connecting' }
  /**
   * **connected**: nothing is recorded, and nothing is known to be switched on.
   *
   * Entered from *connecting*; from *warming* when the last warm-up is over.
   * Holds: the recorder's lock is ours; the tap has a row with what is to be restored. Captures may be added.
   * Left to *recording* when a capture waits or is not read to its end; to *warming* when a warm-up is
   * wanted; to *restoring* when neither is.
   */
  | { readonly name: 'connected' }
  /**
   * **warming**: a warm-up is on and nothing is recorded.
   *
   * Entered from *connected*, and from *restoring* when a warm-up came meanwhile.
   * Holds: the server has our nonce. Captures may be added.
   * Left to *recording* when a capture waits; to *connected* when the warm-up is over.
   */
  | { readonly name: 'warming' }
  /**
   * **recording**: every statement that the server receives goes to batches of ours.
   *
   * Entered from *connected* and *warming* by `start`, and from *switched_off* by another `start`.
   * Holds: the server has our nonce; each drain cuts one batch, reads, commits and releases it. Captures
   * may be added.
   * Left to *switched_off* when a cut finds recording off; to *restoring* after the last capture.
   */
  | { readonly name: 'recording' }
  /**
   * **switched_off**: the last cut found recording off at the server.
   *
   * Entered from *recording*. It lasts until what was recorded before is read and committed.
   * Left to *recording* where the server did it `unattended`, taking us for dead; where `others` did, their
   * setting is respected and the captures FAIL: to *restoring*.
   */
  | { readonly name: 'switched_off'; readonly by: 'unattended' | 'others' }
  /**
   * **restoring**: nothing is left to record, and the server is being restored.
   *
   * Entered when the last capture is read to its end, or all have FAILED, and no warm-up is wanted.
   * Holds: no capture may be added: wait for the end and make another tap. It lasts over lost connections.
   * Left to *warming* when a warm-up came meanwhile; to an ending.
   */
  | { readonly name: 'restoring' }
  /** **over**: `run` has returned, or is about to. No connection is open. */
  | { readonly name: 'over'; readonly ending: TapEnding };

type Name = TapState['name'];

const NEXT: Readonly<Record<Name, readonly Name[]>> = {
  connecting: ['connected', 'restoring', 'over'],
  connected: ['connecting', 'warming', 'recording', 'restoring', 'over'],
  warming: ['connecting', 'connected', 'recording', 'restoring', 'over'],
  recording: ['connecting', 'switched_off', 'restoring', 'over'],
  switched_off: ['connecting', 'recording', 'restoring', 'over'],
  restoring: ['warming', 'over'],
  over: [],
};

/** The life of one tap, over all of its connections. */
export class TapLife {
  #state: TapState = { name: 'connecting' };

  get state(): TapState {
    return this.#state;
  }

  /** Whether the tap is in one of these states. */
  is(...names: readonly Name[]): boolean {
    return names.includes(this.#state.name);
  }

  /** The one way to change it. @throws Error for a move that the states do not allow. */
  moveTo(next: TapState): void {
    const { name } = this.#state;
    if (name === next.name && name !== 'over') return;
    if (!NEXT[name].includes(next.name)) {
      throw new Error(`a tap cannot go from ${name} to ${next.name}`);
    }
    this.#state = next;
  }
}
