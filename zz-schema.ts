import { createConnection } from 'mysql2/promise'; import { readFileSync } from 'node:fs';
for (const p of process.argv.slice(2)) { const c=await createConnection({host:'127.0.0.1',port:Number(p),user:'app',password:'pw',multipleStatements:true}); await c.query(readFileSync('/tmp/w/rp/schema.sql','utf8')); 
 await c.query("INSERT INTO customers (name,city) SELECT CONCAT('c',a.n*100+b.n), CONCAT('city',b.n%50) FROM (SELECT 0 n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4) a, (WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n+1 FROM r WHERE n<100) SELECT n FROM r) b");
 await c.query("INSERT INTO stock WITH RECURSIVE r AS (SELECT 0 n UNION ALL SELECT n+1 FROM r WHERE n<99) SELECT n, 100000 FROM r"); await c.end(); }
