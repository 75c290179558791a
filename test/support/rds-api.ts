import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** RDS as far as `captures` asks it: DescribeDBInstances in the Query protocol, in pages. */
export class RdsApi {
  /** Parameter groups by instance. */
  readonly instances = new Map<string, string>();
  readonly requests: URLSearchParams[] = [];
  readonly headers: IncomingMessage['headers'][] = [];
  pageSize = 100;
  /** What every request is refused with; null: answer. */
  refusal: { readonly code: string; readonly message: string; readonly status: number } | null =
    null;
  readonly #server = createServer((request, response) => void this.#handle(request, response));

  static async start(): Promise<RdsApi> {
    const api = new RdsApi();
    api.#server.listen(0, '127.0.0.1');
    await once(api.#server, 'listening');
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams(await text(request));
    this.requests.push(form);
    this.headers.push(request.headers);
    response.setHeader('content-type', 'text/xml');
    if (this.refusal !== null) {
      const { code, message, status } = this.refusal;
      response.writeHead(status);
      response.end(
        `<ErrorResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/">\n  <Error>\n    <Type>Sender</Type>\n    <Code>${code}</Code>\n    <Message>${message}</Message>\n  </Error>\n  <RequestId>1</RequestId>\n</ErrorResponse>`,
      );
      return;
    }
    const from = Number(form.get('Marker') ?? 0);
    const all = [...this.instances];
    const page = all.slice(from, from + this.pageSize);
    const next = from + this.pageSize < all.length ? from + this.pageSize : null;
    response.end(
      `<DescribeDBInstancesResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/">\n  <DescribeDBInstancesResult>\n    ${next === null ? '' : `<Marker>${next}</Marker>`}<DBInstances>\n${page.map(instanceXml).join('\n')}\n    </DBInstances>\n  </DescribeDBInstancesResult>\n  <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>\n</DescribeDBInstancesResponse>`,
    );
  }
}

/** Shortened from the API's documented example. */
function instanceXml([id, group]: [string, string]): string {
  return `      <DBInstance>
        <BackupRetentionPeriod>7</BackupRetentionPeriod>
        <VpcSecurityGroups><VpcSecurityGroupMembership><Status>active</Status></VpcSecurityGroupMembership></VpcSecurityGroups>
        <DBParameterGroups>
          <DBParameterGroup>
            <ParameterApplyStatus>in-sync</ParameterApplyStatus>
            <DBParameterGroupName>${group}</DBParameterGroupName>
          </DBParameterGroup>
        </DBParameterGroups>
        <ReadReplicaDBInstanceIdentifiers><ReadReplicaDBInstanceIdentifier>other</ReadReplicaDBInstanceIdentifier></ReadReplicaDBInstanceIdentifiers>
        <Engine>mysql</Engine>
        <DBInstanceIdentifier>${id}</DBInstanceIdentifier>
      </DBInstance>`;
}
