// Types of the core name it. In a browser there is none, so it has no value here, and nobody can use it.
type Buffer = Uint8Array;
