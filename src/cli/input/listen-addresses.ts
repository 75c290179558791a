import { AppError } from '../../core/errors.ts';

/** Where a server listens. */
export interface ListenAddress {
  /** A name or an address; an IPv6 address without its brackets. */
  readonly host: string;
  /** 0 for one that is free. */
  readonly port: number;
}

/** In which a proxy in front of it may say who asks: the server reads the one that was chosen, and no other. */
export const PROXY_HEADERS = ['forwarded', 'x-forwarded-for'] as const;
export type ProxyHeader = (typeof PROXY_HEADERS)[number];

const LOOPBACK = '127.0.0.1';

/**
 * Reads `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`; `:8080` and `8080` are of this machine alone.
 * @throws AppError `invalid`.
 */
export function parseListenAddress(text: string): ListenAddress {
  const found =
    /^(?:\[(?<six>[\da-fA-F:.]+(?:%[\w.-]+)?)\]:|(?<name>[\w.-]*):)?(?<port>\d{1,5})$/.exec(text);
  const { six, name, port: digits = '' } = found?.groups ?? {};
  const port = Number(digits);
  if (found === null || port > 65_535) {
    throw new AppError('invalid', `--listen cannot be "${text}"`, {
      hint: 'For example: 127.0.0.1:8080, [::1]:8080, :8080',
    });
  }
  return { host: six ?? (name === undefined || name === '' ? LOOPBACK : name), port };
}

/** Whether only this machine can connect to it. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** `http://[::1]:8080`. */
export function urlOf({ host, port }: ListenAddress, isTls: boolean): string {
  const shown = host.includes(':') ? `[${host}]` : host;
  return `${isTls ? 'https' : 'http'}://${shown}:${port}`;
}
