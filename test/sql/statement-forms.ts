/** A random number from 0 to below `below`. */
export type Random = (below: number) => number;

/** The same numbers for the same seed. */
export function randomFrom(seed: number): Random {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/**
 * A part of a statement: text as it has to be, a keyword in any case, a name with or without quotes, a
 * literal, the name of a variable, the position of a column.
 */
type Part = {
  readonly is: 'symbol' | 'keyword' | 'name' | 'value' | 'variable' | 'position';
  readonly text: string;
};
export type Form = readonly Part[];

export const NAMES = [
  'a',
  'b',
  'c',
  'Id',
  'id',
  'x_1',
  'größe',
  'order items',
  'select',
  '1st',
  'amount$',
];
/** Names that are words of the grammar, which the server folds. */
export const KEYWORD_NAMES = [
  'name',
  'Name',
  'status',
  'value',
  'Date',
  'offset',
  'day',
  'type',
  'comment',
];
export const TABLES = ['t', 'u', 'Orders', 'orders', 'order items', 'shop.t', 'users_2024_01'];
const COMPARISONS = ['=', '<>', '!=', '<', '>=', '<=>', 'LIKE', 'REGEXP', 'NOT LIKE'];
const ARITHMETIC = ['+', '-', '*', '/', '%', 'DIV', '<<', '|', '&', '^'];
const FUNCTIONS = [
  'COUNT',
  'MAX',
  'SUM',
  'lower',
  'Concat',
  'IFNULL',
  'COALESCE',
  'f1',
  'JSON_EXTRACT',
];

/** Forms of statements of every kind that MySQL has a digest of. */
export class StatementForms {
  readonly #random: Random;
  #parts: Part[] = [];
  #depth = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  next(): Form {
    this.#parts = [];
    this.#depth = 0;
    const forms = [
      this.#select,
      this.#select,
      this.#select,
      this.#select,
      this.#union,
      this.#with,
      this.#insert,
      this.#insert,
      this.#update,
      this.#delete,
      this.#other,
      this.#definition,
    ];
    this.#pick(forms).call(this);
    return this.#parts;
  }

  #pick<T>(from: readonly T[]): T {
    const one = from[this.#random(from.length)];
    if (one === undefined) throw new Error('nothing to choose from');
    return one;
  }

  #may(percent: number): boolean {
    return this.#random(100) < percent;
  }

  /** Keywords and symbols. */
  #say(text: string): void {
    for (const word of text.split(' ')) {
      this.#parts.push({ is: /^[A-Z_]/i.test(word) ? 'keyword' : 'symbol', text: word });
    }
  }

  #list(most: number, one: () => void): void {
    const length = 1 + this.#random(most);
    for (let i = 0; i < length; i++) {
      if (i > 0) this.#say(',');
      one();
    }
  }

  #name(text = this.#may(15) ? this.#pick(KEYWORD_NAMES) : this.#pick(NAMES)): void {
    this.#parts.push({ is: 'name', text });
  }

  #column = (): void => {
    if (this.#may(20)) {
      this.#name(this.#pick(['t', 'u', 'x']));
      this.#say('.');
      // Behind quotes, `.1` would be a number.
      const name = this.#pick(NAMES);
      this.#name(name === '1st' ? 'c' : name);
    } else this.#name();
  };

  #table(): void {
    const [first = '', second] = this.#pick(TABLES).split('.');
    this.#name(first);
    if (second === undefined) return;
    this.#say('.');
    this.#name(second);
  }

  #value = (): void => {
    this.#parts.push({ is: 'value', text: '' });
  };

  #expression = (): void => {
    if (this.#depth > 2) {
      this.#column();
      return;
    }
    this.#depth++;
    const kind = this.#random(16);
    if (kind < 5) this.#column();
    else if (kind < 9) this.#value();
    else if (kind < 11) {
      this.#operand();
      this.#say(this.#pick(ARITHMETIC));
      this.#operand();
    } else if (kind < 13) this.#call();
    else if (kind === 13) this.#choice();
    else if (kind === 14) this.#special();
    else {
      this.#say('(');
      this.#expression();
      this.#say(')');
    }
    this.#depth--;
  };

  #operand(): void {
    if (this.#may(60)) this.#column();
    else this.#value();
  }

  #call(): void {
    const name = this.#pick(FUNCTIONS);
    // The case of the names that the grammar does not know counts.
    if (name === name.toUpperCase() && name !== 'IFNULL' && name !== 'JSON_EXTRACT')
      this.#say(name);
    else this.#parts.push({ is: 'symbol', text: name });
    this.#parts.push({ is: 'symbol', text: '(' });
    if (name === 'COUNT' && this.#may(50)) this.#say('*');
    else if (name === 'COUNT' || name === 'MAX' || name === 'SUM') this.#column();
    else this.#list(3, this.#expression);
    this.#say(')');
  }

  #choice(): void {
    this.#say('CASE');
    if (this.#may(40)) this.#column();
    this.#list1(2, () => {
      this.#say('WHEN');
      this.#operand();
      this.#say('THEN');
      this.#operand();
    });
    if (this.#may(60)) {
      this.#say('ELSE');
      this.#operand();
    }
    this.#say('END');
  }

  #list1(most: number, one: () => void): void {
    const length = 1 + this.#random(most);
    for (let i = 0; i < length; i++) one();
  }

  #special(): void {
    const specials: readonly (() => void)[] = [
      () => {
        this.#say('CAST (');
        this.#column();
        this.#say(`AS ${this.#pick(['SIGNED', 'CHAR', 'DATE', 'DATETIME', 'JSON'])} )`);
      },
      () => {
        this.#say('DATE_ADD (');
        this.#column();
        this.#say(', INTERVAL');
        this.#operand();
        this.#say(`${this.#pick(['DAY', 'MONTH', 'HOUR_MINUTE'])} )`);
      },
      () => {
        this.#say(`EXTRACT ( ${this.#pick(['YEAR', 'DAY'])} FROM`);
        this.#column();
        this.#say(')');
      },
      () => {
        this.#column();
        this.#say('- INTERVAL');
        this.#value();
        this.#say(this.#pick(['DAY', 'WEEK', 'SECOND']));
      },
      () => {
        this.#say('ROW_NUMBER ( ) OVER ( PARTITION BY');
        this.#column();
        this.#say('ORDER BY');
        this.#column();
        if (this.#may(50)) this.#say('ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW');
        this.#say(')');
      },
      () => {
        this.#say('@');
        this.#parts.push({ is: 'variable', text: '' });
      },
      () => {
        this.#say('( SELECT MAX (');
        this.#column();
        this.#say(') FROM');
        this.#table();
        this.#say(')');
      },
    ];
    this.#pick(specials)();
  }

  #condition = (): void => {
    this.#depth++;
    const conditions: readonly (() => void)[] = [
      () => {
        this.#column();
        this.#say(this.#pick(COMPARISONS));
        this.#operand();
      },
      () => {
        this.#column();
        this.#say(this.#pick(['IN (', 'NOT IN (']));
        this.#list(4, this.#value);
        this.#say(')');
      },
      () => {
        this.#say('(');
        this.#column();
        this.#say(',');
        this.#column();
        this.#say(') IN (');
        this.#list(3, () => {
          this.#say('(');
          this.#value();
          this.#say(',');
          this.#value();
          this.#say(')');
        });
        this.#say(')');
      },
      () => {
        this.#column();
        this.#say('BETWEEN');
        this.#value();
        this.#say('AND');
        this.#value();
      },
      () => {
        this.#column();
        this.#say(this.#pick(['IS NULL', 'IS NOT NULL', 'IS TRUE', 'IS NOT FALSE']));
      },
      () => {
        this.#say(this.#pick(['EXISTS (', 'NOT EXISTS (']));
        this.#query();
        this.#say(')');
      },
      () => {
        this.#say('MATCH (');
        this.#column();
        this.#say(') AGAINST (');
        this.#value();
        this.#say(this.#pick([')', 'IN BOOLEAN MODE )', 'IN NATURAL LANGUAGE MODE )']));
      },
      () => {
        this.#column();
        this.#say('LIKE');
        this.#value();
        this.#say('ESCAPE');
        this.#parts.push({ is: 'symbol', text: "'|'" });
      },
    ];
    if (this.#depth > 3) this.#column();
    else this.#pick(conditions)();
    this.#depth--;
  };

  #where(): void {
    this.#say('WHERE');
    this.#condition();
    while (this.#may(35)) {
      this.#say(this.#pick(['AND', 'OR', 'XOR', '&&']));
      this.#condition();
    }
  }

  #select(): void {
    this.#query();
    if (this.#may(8)) {
      this.#say(
        this.#pick([
          'FOR UPDATE',
          'FOR SHARE SKIP LOCKED',
          'LOCK IN SHARE MODE',
          'FOR UPDATE NOWAIT',
        ]),
      );
    }
  }

  #query(): void {
    this.#depth++;
    this.#say('SELECT');
    if (this.#may(8)) this.#hint();
    if (this.#may(10)) this.#say(this.#pick(['DISTINCT', 'ALL', 'SQL_NO_CACHE', 'STRAIGHT_JOIN']));
    if (this.#may(15)) this.#say('*');
    else this.#list(3, this.#item);
    this.#say('FROM');
    this.#tables();
    if (this.#may(70)) this.#where();
    if (this.#may(15)) this.#grouping();
    if (this.#may(25)) this.#ordering();
    if (this.#may(25)) this.#limit();
    this.#depth--;
  }

  #item = (): void => {
    this.#expression();
    if (!this.#may(25)) return;
    if (this.#may(60)) this.#say('AS');
    this.#name();
  };

  #hint(): void {
    const hint = this.#pick([
      `MAX_EXECUTION_TIME(${1 + this.#random(5000)})`,
      'NO_MERGE(t)',
      'INDEX(t i1) NO_ICP(t)',
      `SET_VAR(sort_buffer_size = ${this.#random(100)})`,
    ]);
    this.#parts.push({ is: 'symbol', text: `/*+ ${hint} */` });
  }

  #tables(): void {
    if (this.#may(6) && this.#depth < 3) {
      this.#say('(');
      this.#query();
      this.#say(') AS d');
      return;
    }
    this.#table();
    if (this.#may(20)) {
      if (this.#may(50)) this.#say('AS');
      this.#name('x');
    }
    if (this.#may(8))
      this.#say(this.#pick(['USE INDEX ( i1 )', 'FORCE INDEX FOR JOIN ( i1 , i2 )']));
    while (this.#may(20)) {
      this.#say(this.#pick(['JOIN', 'LEFT JOIN', 'INNER JOIN', 'RIGHT OUTER JOIN']));
      this.#table();
      if (this.#may(30)) {
        this.#say('USING (');
        this.#name();
        this.#say(')');
      } else {
        this.#say('ON');
        this.#condition();
      }
    }
  }

  #grouping(): void {
    this.#say('GROUP BY');
    this.#list(2, this.#column);
    if (this.#may(20)) this.#say('WITH ROLLUP');
    if (this.#may(40)) {
      this.#say('HAVING');
      this.#condition();
    }
  }

  #ordering(): void {
    this.#say('ORDER BY');
    this.#list(2, () => {
      if (this.#may(15)) this.#parts.push({ is: 'position', text: '' });
      else this.#column();
      if (this.#may(40)) this.#say(this.#pick(['ASC', 'DESC']));
    });
  }

  #limit(): void {
    const number = (): void => {
      this.#parts.push({ is: 'symbol', text: String(this.#random(1000)) });
    };
    this.#say('LIMIT');
    number();
    if (this.#may(50)) return;
    this.#say(this.#pick([',', 'OFFSET']));
    number();
  }

  #union(): void {
    this.#query();
    this.#say(this.#pick(['UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT']));
    // A query with ORDER BY or LIMIT has to stand in brackets.
    this.#parts.unshift({ is: 'symbol', text: '(' });
    this.#parts.splice(-1, 0);
    const operator = this.#parts.splice(this.#endOfFirstQuery());
    this.#say(')');
    this.#parts.push(...operator);
    this.#say('(');
    this.#query();
    this.#say(')');
  }

  #endOfFirstQuery(): number {
    const words = ['UNION', 'EXCEPT', 'INTERSECT', 'ALL'];
    let end = this.#parts.length;
    while (words.includes(this.#parts[end - 1]?.text ?? '')) end--;
    return end;
  }

  #with(): void {
    this.#say('WITH');
    if (this.#may(30)) this.#say('RECURSIVE');
    this.#name('cte');
    if (this.#may(30)) this.#say('( n , m )');
    this.#say('AS (');
    this.#query();
    this.#say(')');
    this.#query();
  }

  #row(width: number): void {
    this.#say('(');
    for (let i = 0; i < width; i++) {
      if (i > 0) this.#say(',');
      this.#value();
    }
    if (this.#may(20)) this.#say(this.#pick([', DEFAULT', ', NOW ( )', ', a + b']));
    this.#say(')');
  }

  #insert(): void {
    this.#say(this.#pick(['INSERT INTO', 'INSERT IGNORE INTO', 'REPLACE INTO', 'INSERT']));
    this.#table();
    const isReplace = this.#parts[0]?.text === 'REPLACE';
    if (this.#may(20)) {
      this.#say('SET');
      this.#list(3, this.#assignment);
    } else {
      if (this.#may(70)) {
        this.#say('(');
        this.#list(3, () => {
          this.#name();
        });
        this.#say(')');
      }
      if (this.#may(20)) this.#query();
      else {
        this.#say(this.#pick(['VALUES', 'VALUES', 'VALUES', 'VALUE']));
        const width = 1 + this.#random(3);
        this.#list(4, () => {
          this.#row(width);
        });
      }
    }
    if (isReplace || !this.#may(30)) return;
    this.#say('ON DUPLICATE KEY UPDATE');
    this.#list(2, () => {
      this.#name();
      this.#say('= VALUES (');
      this.#name();
      this.#say(')');
    });
  }

  #assignment = (): void => {
    this.#column();
    this.#say('=');
    this.#expression();
  };

  #update(): void {
    this.#say('UPDATE');
    this.#table();
    if (this.#may(15)) {
      this.#say('JOIN');
      this.#table();
      this.#say('ON');
      this.#condition();
    }
    this.#say('SET');
    this.#list(3, this.#assignment);
    if (this.#may(85)) this.#where();
  }

  #delete(): void {
    if (this.#may(15)) {
      this.#say('DELETE');
      this.#name('t');
      this.#say('FROM');
      this.#name('t');
      this.#say('JOIN');
      this.#name('u');
      this.#say('ON');
      this.#condition();
      return;
    }
    this.#say('DELETE FROM');
    this.#table();
    if (this.#may(90)) this.#where();
  }

  #other(): void {
    this.#say(
      this.#pick([
        'BEGIN',
        'COMMIT',
        'COMMIT WORK',
        'ROLLBACK',
        'START TRANSACTION',
        'SET NAMES utf8mb4',
        'START TRANSACTION READ ONLY',
        'START TRANSACTION WITH CONSISTENT SNAPSHOT',
        'SHOW TABLES',
        'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
        'SHOW FULL PROCESSLIST',
        'SHOW VARIABLES LIKE',
        'SHOW GLOBAL STATUS LIKE',
        'SET autocommit =',
        'SET SESSION sql_mode =',
        'CALL p1 (',
        'DO SLEEP (',
        'SAVEPOINT s1',
        'ROLLBACK TO SAVEPOINT s1',
        'TRUNCATE TABLE t',
        'EXPLAIN SELECT',
        'EXPLAIN FORMAT = JSON SELECT',
        'ANALYZE TABLE t , u',
        'UNLOCK TABLES',
        'LOCK TABLES t READ , u WRITE',
        'KILL QUERY',
        'FLUSH TABLES',
        'USE shop',
        'DESCRIBE t',
        'SHOW CREATE TABLE t',
        'SHOW INDEX FROM t',
        'SHOW COLUMNS FROM t',
        'RELEASE SAVEPOINT s1',
        'SET @ v =',
        'VALUES',
        'TABLE t',
      ]),
    );
    const last = this.#parts.at(-1)?.text;
    if (last === '(') {
      this.#list(3, this.#value);
      this.#say(')');
    } else if (last === 'LIKE') this.#parts.push({ is: 'symbol', text: "'a%'" });
    else if (last === '=') this.#value();
    else if (last === 'SELECT') this.#list(2, this.#item);
    else if (last === 'QUERY') this.#parts.push({ is: 'symbol', text: String(this.#random(1e6)) });
    else if (last === 'VALUES') {
      this.#list(3, () => {
        this.#say('ROW (');
        this.#list(3, this.#value);
        this.#say(')');
      });
    }
  }

  #definition(): void {
    const kind = this.#random(4);
    if (kind === 0) {
      this.#say('CREATE TABLE IF NOT EXISTS');
      this.#table();
      this.#say('( id INT NOT NULL AUTO_INCREMENT PRIMARY KEY ,');
      this.#list(3, () => {
        this.#name();
        this.#say(this.#pick(['VARCHAR ( 20 )', 'DATETIME', 'INT', 'TEXT', "ENUM ( 'a' , 'b' )"]));
        this.#say(this.#pick(['NOT NULL', 'NULL', 'DEFAULT NULL']));
      });
      this.#say(') ENGINE =');
      this.#parts.push({ is: 'symbol', text: 'InnoDB' });
    } else if (kind === 1) {
      this.#say('ALTER TABLE');
      this.#table();
      this.#say('ADD COLUMN');
      this.#name();
      this.#say(this.#pick(['INT NOT NULL', 'DATE', 'BIGINT UNSIGNED', "INT COMMENT 'x'"]));
    } else if (kind === 2) {
      this.#say(this.#pick(['CREATE INDEX i1 ON', 'CREATE UNIQUE INDEX i1 ON']));
      this.#table();
      this.#say('(');
      this.#list(2, () => {
        this.#name();
      });
      this.#say(')');
    } else {
      this.#say(this.#pick(['DROP TABLE IF EXISTS', 'DROP TABLE']));
      this.#table();
    }
  }
}

/** Writes forms as people and programs do: in any case and spacing, with comments, with other values. */
export class StatementText {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  of(form: Form): string {
    const random = this.#random;
    const style = { case: random(4), isTight: random(3) === 0, quotes: random(4) };
    let text = '';
    let before: Part | undefined;
    for (const part of form) {
      if (before !== undefined) text += this.#gap(before, part, style.isTight);
      if (part.is === 'value') text += this.#value();
      else if (part.is === 'variable') text += random(2) === 0 ? 'v' : 'w';
      else if (part.is === 'position') text += String(1 + random(3));
      else if (part.is === 'keyword') text += this.#cased(part.text, style.case);
      else if (part.is === 'name') text += this.#name(part.text, style.quotes);
      else text += part.text;
      before = part;
    }
    if (random(20) === 0) text += ' ;';
    if (random(20) === 0) text = `/* trace=${random(1e6)} */ ${text}`;
    return text;
  }

  #gap(before: Part, part: Part, isTight: boolean): string {
    const random = this.#random;
    if (before.text === '@' || part.text === '@' || part.text === '.' || before.text === '.') {
      return part.text === '@' ? ' ' : '';
    }
    // A function's bracket is close to it, and a hint to its SELECT.
    if (part.is === 'symbol' && part.text === '(') {
      return isCallable(before) ? '' : ' ';
    }
    const canTouch =
      (before.is === 'symbol' && '(,'.includes(before.text)) ||
      (part.is === 'symbol' && '),'.includes(part.text)) ||
      (before.is !== 'keyword' && part.is === 'symbol' && '=<'.includes(part.text.charAt(0)));
    if (isTight && canTouch) return '';
    if (part.text.startsWith('/*+')) return ' ';
    const gaps = [' ', ' ', ' ', ' ', ' ', ' ', '  ', '\n\t', ' /* x */ ', ' -- x\n', " # it's\n"];
    return gaps[random(gaps.length)] ?? ' ';
  }

  #cased(text: string, style: number): string {
    if (style === 0) return text.toLowerCase();
    if (style === 1) return text.charAt(0) + text.slice(1).toLowerCase();
    if (style === 2) return text;
    return text.replaceAll(/[A-Z]/g, (letter) =>
      this.#random(2) === 0 ? letter.toLowerCase() : letter,
    );
  }

  #name(text: string, style: number): string {
    const needsQuotes = / |^select$/.test(text);
    return needsQuotes || style === 0 || (style === 1 && this.#random(2) === 0)
      ? `\`${text}\``
      : text;
  }

  #value(): string {
    const random = this.#random;
    const n = random(100_000);
    const values: readonly string[] = [
      `${n}`,
      `${n}`,
      `${n}`,
      `-${n}`,
      `- ${n}`,
      `+${n}`,
      `${n}.5`,
      `.${n}`,
      `${n}e3`,
      `1.${n}E-2`,
      `0x${n.toString(16).padStart(6, '0')}`,
      `x'${n.toString(16).padStart(6, '0')}'`,
      `b'101'`,
      '0b11',
      `'text ${n}'`,
      `'it''s ${n}'`,
      `'it\\'s'`,
      `'a -- b # c /* d'`,
      `"x ${n} 'y'"`,
      `''`,
      `'\\\\'`,
      `N'n ${n}'`,
      `_utf8mb4'é😀'`,
      `_latin1 'x'`,
      `DATE'2026-01-0${1 + random(9)}'`,
      `TIMESTAMP '2026-11-30 0${random(10)}:00:00'`,
      'NULL',
      'null',
      'TRUE',
      'false',
      `'a' 'b'`,
    ];
    return values[random(values.length)] ?? '1';
  }
}

function isCallable(part: Part): boolean {
  return (
    part.is === 'symbol' ||
    part.is === 'name' ||
    /^(?:COUNT|MAX|SUM|COALESCE|CAST|DATE_ADD|EXTRACT|SLEEP|NOW)$/.test(part.text)
  );
}
