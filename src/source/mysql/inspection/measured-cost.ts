import type { MeasuredCost } from '../../../core/environments/server-inspection.ts';
import type { MysqlIdentity } from '../connection/flavor.ts';

type Measurement = Omit<MeasuredCost, 'isThisRelease' | 'measuredOn'> & {
  readonly release: string;
};

/**
 * sysbench, server and load on the same 2 cores, nothing to spare, medians: 8 connections of point
 * selects; mixed transactions (oltp_read_write) with 4.
 *
 * | statements/s | no log | own CSV table | our MyISAM table | and the recorder |
 * |---|---|---|---|---|
 * | MariaDB 10.11, point selects | 32,014 | 16,558 (0.52) | 19,748 (0.62) | 18,449 (0.58) |
 * | MariaDB 10.11, mixed | 1 | 0.67 | 0.83 | not measured |
 * | MySQL 9.7.4, point selects | 25,732 | 0.45 | 0.46 | 0.42 |
 *
 * On a noisy machine point selects on MariaDB kept 0.5 to 0.65 with the MyISAM table.
 */
const MEASURED: Readonly<Record<MysqlIdentity['flavor'], Measurement>> = {
  mariadb: {
    release: '10.11',
    saturated: [
      { load: 'single-row reads', ownLog: 0.52, log: 0.62, recording: 0.58 },
      { load: 'mixed transactions', ownLog: 0.67, log: 0.83, recording: null },
    ],
    latency: null,
    note: null,
  },
  mysql: {
    release: '9.7',
    saturated: [{ load: 'single-row reads', ownLog: 0.45, log: 0.46, recording: 0.42 }],
    latency: null,
    note: "MySQL logs to the recorder's MyISAM table no faster than to its own CSV table",
  },
};

/** The same where the recorder's log table is CSV, as the server's own is. */
const WITH_CSV: Readonly<
  Record<MysqlIdentity['flavor'], Pick<MeasuredCost, 'saturated' | 'latency' | 'note'>>
> = {
  mariadb: {
    saturated: [
      { load: 'single-row reads', ownLog: 0.52, log: 0.52, recording: null },
      { load: 'mixed transactions', ownLog: 0.67, log: 0.67, recording: null },
    ],
    latency: { rate: 6000, beforeMs: 2.2, afterMs: 2.8 },
    note: "a MyISAM log table keeps 62 % and 83 % of them; it is used where the free space of the server's disk is known",
  },
  mysql: {
    saturated: [{ load: 'single-row reads', ownLog: 0.45, log: 0.45, recording: null }],
    latency: null,
    note: null,
  },
};

const NAMES = { mariadb: 'MariaDB', mysql: 'MySQL' } as const;

/**
 * What recording was measured to cost on the nearest server there are figures of.
 * @param engine of the recorder's log table.
 */
export function measuredCost(
  { flavor, version }: Pick<MysqlIdentity, 'flavor' | 'version'>,
  engine: string | null = 'MyISAM',
): MeasuredCost {
  const { release, ...figures } = MEASURED[flavor];
  return {
    ...figures,
    ...(engine === 'CSV' ? WITH_CSV[flavor] : {}),
    measuredOn: `${NAMES[flavor]} ${release} with 2 cores`,
    isThisRelease: version.startsWith(`${release}.`),
  };
}
