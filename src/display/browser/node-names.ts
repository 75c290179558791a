// Types of the core name what Node has. In a browser there is none: it has no value here, and nobody can use it.
declare global {
  type Buffer = Uint8Array;
}

export {};
