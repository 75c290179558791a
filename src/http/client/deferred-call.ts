type AnyCall = (...args: unknown[]) => unknown;

/**
 * The members of a class that is loaded when one of them is first called. What a call returns is a promise and
 * a generator at once: it is used as what the real one returns.
 * @param early has some members, `names`, in a module of its own: a command that calls these alone loads no more.
 */
export function loadedWhenCalled<Class extends object, Name extends keyof Class = never>(
  load: () => Promise<Class>,
  early?: { readonly names: readonly Name[]; readonly load: () => Promise<Pick<Class, Name>> },
): Class {
  const whole = once(load);
  const part = early === undefined ? null : once(early.load);
  const isEarly = (name: string): boolean => early?.names.some((one) => one === name) === true;
  const member = async (name: string): Promise<AnyCall> => {
    const loaded: object = part !== null && isEarly(name) ? await part() : await whole();
    return (Reflect.get(loaded, name) as AnyCall).bind(loaded);
  };
  return new Proxy({} as Class, {
    get: (_target, name) => {
      // A promise that resolves to this would ask.
      if (name === 'then' || typeof name === 'symbol') return undefined;
      return (...args: unknown[]) =>
        // In a box, so that a promise in it is not waited for here.
        new DeferredCall(async () => ({ returned: (await member(name))(...args) }));
    },
  });
}

function once<Loaded>(load: () => Promise<Loaded>): () => Promise<Loaded> {
  let loading: Promise<Loaded> | null = null;
  return () => (loading ??= load());
}

interface Returned {
  readonly returned: unknown;
}

class DeferredCall implements AsyncGenerator<unknown, unknown, void>, PromiseLike<unknown> {
  readonly #call: () => Promise<Returned>;
  #called: Promise<Returned> | null = null;

  constructor(call: () => Promise<Returned>) {
    this.#call = call;
  }

  // As a promise: called at once when somebody waits for it.
  then<A = unknown, B = never>(
    onFulfilled?: ((value: unknown) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): PromiseLike<A | B> {
    return this.#returned().then(onFulfilled, onRejected);
  }

  catch<B = never>(onRejected: (reason: unknown) => B | PromiseLike<B>): Promise<unknown> {
    return this.#returned().catch(onRejected);
  }

  finally(onFinally: () => void): Promise<unknown> {
    return this.#returned().finally(onFinally);
  }

  async #returned(): Promise<unknown> {
    return (await this.#box()).returned;
  }

  async #generator(): Promise<AsyncGenerator<unknown, unknown, void>> {
    return (await this.#box()).returned as AsyncGenerator<unknown, unknown, void>;
  }

  #box(): Promise<Returned> {
    return (this.#called ??= this.#call());
  }

  async next(): Promise<IteratorResult<unknown, unknown>> {
    return (await this.#generator()).next();
  }

  async return(value: unknown): Promise<IteratorResult<unknown, unknown>> {
    return (await this.#generator()).return(value);
  }

  async throw(error: unknown): Promise<IteratorResult<unknown, unknown>> {
    return (await this.#generator()).throw(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return(undefined);
  }
}
