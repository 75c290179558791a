import { createConnection } from 'mysql2/promise';
const port=Number(process.argv[2]), n=Number(process.argv[3]), sessions=Number(process.argv[4]);
let x=42; const rnd=(m)=>{ x=(x*1103515245+12345)%2147483648; return x%m; };
await Promise.all(Array.from({length:sessions}, async (_,s)=>{
  const c=await createConnection({host:'127.0.0.1',port,user:'app',password:'pw',database:'shop'});
  for (let i=0;i<n;i++) {
    const k=rnd(10);
    if (k<4) await c.execute('SELECT * FROM customers WHERE city = ? LIMIT 5',[`city${rnd(50)}`]);
    else if (k<6) await c.query(`SELECT COUNT(*), SUM(total) FROM orders WHERE customer = ${rnd(500)}`);
    else if (k<7) await c.execute('INSERT INTO customers (name, city) VALUES (?, ?)',[`it's ${rnd(1000)}`,`city${rnd(50)}`]);
    else if (k<9) { await c.beginTransaction(); await c.execute('INSERT INTO orders (customer,total,at) VALUES (?,?,NOW())',[rnd(500),rnd(10000)/100]); await c.query(`UPDATE stock SET n = n - 1 WHERE id = ${rnd(100)}`); await c.commit(); }
    else await c.query('SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer ORDER BY o.total DESC LIMIT 10');
  }
  await c.end();
}));
