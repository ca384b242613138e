import pg from "pg";

const url = process.env["TEST_DATABASE_URL"];
if (url === undefined) throw new Error("TEST_DATABASE_URL is not set: run npm run test:servers");

/** An empty database of the server's, for one suite. */
export async function freshDatabase(name: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
  return Object.assign(new URL(url!), { pathname: `/${name}` }).toString();
}
