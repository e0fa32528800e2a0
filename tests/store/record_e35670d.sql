BEGIN TRANSACTION;
CREATE TABLE alerts (
	id INTEGER NOT NULL, 
	source TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	starts_at TEXT NOT NULL, 
	name TEXT NOT NULL, 
	status TEXT NOT NULL, 
	resolved_at TEXT, 
	received_at TEXT NOT NULL, 
	body TEXT NOT NULL, 
	incident TEXT, 
	decision TEXT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (source, fingerprint, starts_at)
);
INSERT INTO "alerts" VALUES(1,'shop','0000000000000001','2026-05-04T12:03:00.000000+00:00','ShopFails','resolved','2026-05-04T12:09:27.000000+00:00','2026-05-04T12:03:00.000000+00:00','{"annotations": {"summary": "Requests to web fail"}, "labels": {"alertname": "ShopFails", "pod": "web-0", "service": "web", "severity": "critical"}, "runbook_url": ""}','I-1','no open incident is about web or what it depends on');
INSERT INTO "alerts" VALUES(2,'shop','0000000000000002','2026-05-04T12:12:27.000000+00:00','ShopFails','firing',NULL,'2026-05-04T12:12:27.000000+00:00','{"annotations": {"summary": "Requests to cart fail"}, "labels": {"alertname": "ShopFails", "pod": "cart-0", "service": "cart", "severity": "critical"}, "runbook_url": ""}','I-2','no open incident is about cart or what it depends on');
INSERT INTO "alerts" VALUES(3,'shop','0000000000000003','2026-05-04T12:15:27.000000+00:00','ShopFails','firing',NULL,'2026-05-04T12:15:27.000000+00:00','{"annotations": {"summary": "Requests to search fail"}, "labels": {"alertname": "ShopFails", "pod": "search-0", "service": "search", "severity": "critical"}, "runbook_url": ""}','I-3','no open incident is about search or what it depends on');
INSERT INTO "alerts" VALUES(4,'shop','0000000000000004','2026-05-04T12:18:27.000000+00:00','ShopFails','firing',NULL,'2026-05-04T12:18:27.000000+00:00','{"annotations": {"summary": "Requests to mail fail"}, "labels": {"alertname": "ShopFails", "pod": "mail-0", "service": "mail", "severity": "critical"}, "runbook_url": ""}','I-4','no open incident is about mail or what it depends on');
INSERT INTO "alerts" VALUES(5,'shop','0000000000000005','2026-05-04T12:21:27.000000+00:00','ShopFails','firing',NULL,'2026-05-04T12:21:27.000000+00:00','{"annotations": {"summary": "Requests to stock fail"}, "labels": {"alertname": "ShopFails", "pod": "stock-0", "service": "stock", "severity": "critical"}, "runbook_url": ""}','I-5','no open incident is about stock or what it depends on');
INSERT INTO "alerts" VALUES(6,'shop','00ff','2026-05-04T12:21:27.000000+00:00','Odd','firing',NULL,'2026-05-04T12:21:27.000000+00:00','{"annotations": {}, "labels": {"alertname": "Odd", "service": "other"}, "runbook_url": ""}','I-6','no open incident is about other or what it depends on');
CREATE TABLE decisions (
	"plan" TEXT NOT NULL, 
	person TEXT NOT NULL, 
	yes INTEGER NOT NULL, 
	at TEXT NOT NULL, 
	known_by TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	PRIMARY KEY ("plan", person)
);
INSERT INTO "decisions" VALUES('c033b008468f6a3bd9cb8556cf8072d7b4e754f7734a6359d5f76c0cd64e23a0','Ana',1,'2026-05-04T12:09:00.000000+00:00','token','');
INSERT INTO "decisions" VALUES('b5bfccc8d0639383f1298b424f22d5862923c7b545da4752b9e86fd43d6f668b','Ana',1,'2026-05-04T12:12:27.000000+00:00','token','');
INSERT INTO "decisions" VALUES('d757735a01b090d12384c9e68dcb0bafbe0e8242225477ea171e8f576788da1d','Ana',1,'2026-05-04T12:15:27.000000+00:00','token','');
CREATE TABLE drills (
	id INTEGER NOT NULL, 
	fault TEXT NOT NULL, 
	runbook TEXT NOT NULL, 
	at TEXT NOT NULL, 
	passed INTEGER NOT NULL, 
	profile TEXT NOT NULL, 
	seconds FLOAT NOT NULL, 
	times TEXT NOT NULL, 
	problems TEXT NOT NULL, 
	by_person INTEGER, 
	PRIMARY KEY (id)
);
INSERT INTO "drills" VALUES(1,'web-down','SH-001','2026-05-04T12:21:27.000000+00:00',1,'lab',61.5,'{}','[]',NULL);
CREATE TABLE events (
	sequence INTEGER NOT NULL, 
	at TEXT NOT NULL, 
	environment TEXT NOT NULL, 
	incident TEXT NOT NULL, 
	run TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	payload TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	previous TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	PRIMARY KEY (sequence)
);
INSERT INTO "events" VALUES(1,'2026-05-04T12:03:00.000000+00:00','shop','I-1','','{"kind":"source","known_by":"webhook token","name":"shop"}','alert_received','{"decision":"opens","name":"ShopFails","reason":"no open incident is about web or what it depends on"}',1,'','ba1df08474f8e8061b94a1dfca6c244fd34c21cf777fdb6cf1fbb12f5387dd52');
INSERT INTO "events" VALUES(2,'2026-05-04T12:03:00.000000+00:00','shop','I-1','','{"kind":"system","known_by":"itself","name":"Handrail"}','incident_opened','{"severity":"critical","title":"Requests to web fail"}',1,'ba1df08474f8e8061b94a1dfca6c244fd34c21cf777fdb6cf1fbb12f5387dd52','e70ac6018e263aea1499493b271c32b11c15b450c477c5d38696277f4a1e7c30');
INSERT INTO "events" VALUES(3,'2026-05-04T12:03:00.000000+00:00','shop','I-1','R-1','{"kind":"system","known_by":"itself","name":"Handrail"}','runbook_chosen','{"how":"trigger","reason":"SH-001 is bound to ShopFails.","run":"R-1","runbook":"SH-001"}',1,'e70ac6018e263aea1499493b271c32b11c15b450c477c5d38696277f4a1e7c30','3c621ed16ee8eaf0c7894f973240f2c0d13c6fd6e2554ce0e2d35bb7d5cac87d');
INSERT INTO "events" VALUES(4,'2026-05-04T12:03:00.000000+00:00','shop','I-1','R-1','{"kind":"system","known_by":"itself","name":"Handrail"}','run_started','{"mode":"proposes","run":"R-1","runbook":"SH-001"}',1,'3c621ed16ee8eaf0c7894f973240f2c0d13c6fd6e2554ce0e2d35bb7d5cac87d','06956a25b854478b7fa87eaf8862ea13cbdfc1116c548b5529c6f6916df32a93');
INSERT INTO "events" VALUES(5,'2026-05-04T12:03:00.000000+00:00','shop','I-1','','{"kind":"system","known_by":"itself","name":"Handrail"}','page','{"because":"an alert came","level":1,"person":""}',1,'06956a25b854478b7fa87eaf8862ea13cbdfc1116c548b5529c6f6916df32a93','ab23c193a9f1d7bbf598aee86e14ae19a179f3ee0640f8c7c85475c8314c1ae7');
INSERT INTO "events" VALUES(6,'2026-05-04T12:03:00.000000+00:00','shop','I-1','','{"kind":"system","known_by":"itself","name":"Handrail"}','update','{"status":"investigating","text":"Part of the service does not work as it should, since 12:03 UTC. We are looking for the cause. We expect it to be over by 12:23 UTC, going by what its runbook allows for. The next word comes by 12:18 UTC."}',1,'ab23c193a9f1d7bbf598aee86e14ae19a179f3ee0640f8c7c85475c8314c1ae7','3ec02a2aa59288d267894f06ac19ddd68657d8f10b0dfd170727f2156fefde7b');
INSERT INTO "events" VALUES(7,'2026-05-04T12:03:00.000000+00:00','shop','I-1','R-1','{"kind":"system","known_by":"itself","name":"Handrail"}','evidence','{"command":"SH-001.1.1","digest":"b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","id":"E-1ef4f8601ee9","identity":"look","look":"seen","says":"1 row","seconds":0.1}',1,'3ec02a2aa59288d267894f06ac19ddd68657d8f10b0dfd170727f2156fefde7b','f80055c8fb62a2cfac1effede6a6be77ff4e15f085381765311a295e9e6044e1');
INSERT INTO "events" VALUES(8,'2026-05-04T12:03:00.000000+00:00','shop','I-1','R-1','{"kind":"system","known_by":"itself","name":"Handrail"}','parameter_filled','{"name":"pod-name","source":"the alert''s label pod","value":"web-0"}',1,'f80055c8fb62a2cfac1effede6a6be77ff4e15f085381765311a295e9e6044e1','b910c75a25315121291cbf591d56656e269df18f125d467eab58ec54e1fe3571');
INSERT INTO "events" VALUES(9,'2026-05-04T12:03:00.000000+00:00','shop','I-1','R-1','{"kind":"system","known_by":"itself","name":"Handrail"}','evidence','{"command":"SH-001.1.2","digest":"b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","id":"E-4dd120e51d7a","identity":"look","look":"seen","says":"1 row","seconds":0.1}',1,'b910c75a25315121291cbf591d56656e269df18f125d467eab58ec54e1fe3571','1907b0ee4b4a7113dfd9796247172c4770c73073cd4e12f1df414b8249d51d28');
INSERT INTO "events" VALUES(10,'2026-05-04T12:03:00.000000+00:00','shop','I-1','R-1','{"kind":"system","known_by":"itself","name":"Handrail"}','series','{"least":false,"limit":1,"name":"errors","points":[[1777896180.0,50.0]],"unit":"%"}',1,'1907b0ee4b4a7113dfd9796247172c4770c73073cd4e12f1df414b8249d51d28','e6e602b8cb6cf9391cfea501619703c6aaa214452c64b1b773bc88c34bec7669');
INSERT INTO "events" VALUES(11,'2026-05-04T12:03:00.000000+00:00','shop','I-1','R-1','{"kind":"system","known_by":"itself","name":"Handrail"}','plan_proposed','{"because":"","original":true,"plan":"c033b008468f6a3bd9cb8556cf8072d7b4e754f7734a6359d5f76c0cd64e23a0","recommended":true,"remedy":"step-2","title":"Restart"}',1,'e6e602b8cb6cf9391cfea501619703c6aaa214452c64b1b773bc88c34bec7669','e297477c251bb90836a37fa13d2e0942d03580aa2b4a0434e820a306f634c44d');
INSERT INTO "events" VALUES(12,'2026-05-04T12:03:00.000000+00:00','shop','I-1','','{"kind":"system","known_by":"itself","name":"Handrail"}','update','{"status":"identified","text":"Part of the service does not work as it should, since 12:03 UTC. We know what to do and are preparing it. We expect it to be over by 12:23 UTC, going by what its runbook allows for. The next word comes by 12:18 UTC."}',1,'e297477c251bb90836a37fa13d2e0942d03580aa2b4a0434e820a306f634c44d','f1fe17e5e171769fea6c593dd2390010e97da71cb2ab9e44e887ae0b489abc69');
INSERT INTO "events" VALUES(13,'2026-05-04T12:09:00.000000+00:00','shop','I-1','','{"kind":"system","known_by":"itself","name":"Handrail"}','page','{"because":"nobody has answered for 6 min","level":2,"person":"Ana"}',1,'f1fe17e5e171769fea6c593dd2390010e97da71cb2ab9e44e887ae0b489abc69','b923a00b32946970754fcdbc2d45274b85d492b0b0d0a9116be6071bb3590435');
INSERT INTO "events" VALUES(14,'2026-05-04T12:09:00.000000+00:00','shop','I-1','','{"kind":"person","known_by":"token","name":"Ana"}','acknowledged','{"person":"Ana"}',1,'b923a00b32946970754fcdbc2d45274b85d492b0b0d0a9116be6071bb3590435','10d0136555e64551807889e89d9d2b8a4855ada26e2cf812378b47e08182a0ee');
INSERT INTO "events" VALUES(15,'2026-05-04T12:09:00.000000+00:00','shop','I-1','R-1','{"kind":"person","known_by":"token","name":"Ana"}','decision','{"person":"Ana","plan":"c033b008468f6a3bd9cb8556cf8072d7b4e754f7734a6359d5f76c0cd64e23a0","reason":"","yes":true}',1,'10d0136555e64551807889e89d9d2b8a4855ada26e2cf812378b47e08182a0ee','bfda9f34adcab316d08bab3d90a966c5e70e3edd355f2f1d81c5d0b635aee5e3');
INSERT INTO "events" VALUES(16,'2026-05-04T12:09:00.000000+00:00','shop','I-1','R-1','{"kind":"system","known_by":"itself","name":"Handrail"}','intent','{"approved_by":"Ana","command":"SH-001.2.1","identity":"change","plan":"c033b008468f6a3bd9cb8556cf8072d7b4e754f7734a6359d5f76c0cd64e23a0","runs_as":"kubectl rollout restart deployment/web -n shop"}',1,'bfda9f34adcab316d08bab3d90a966c5e70e3edd355f2f1d81c5d0b635aee5e3','1519bdd040f9e0cdfe3f820e59aa7b6dfff0b89d6ff32e26a2c3ce57e2f9aee4');
INSERT INTO "events" VALUES(17,'2026-05-04T12:09:00.000000+00:00','shop','I-1','R-1','{"kind":"system","known_by":"itself","name":"Handrail"}','outcome','{"command":"SH-001.2.1","detail":"done","outcome":"succeeded","plan":"c033b008468f6a3bd9cb8556cf8072d7b4e754f7734a6359d5f76c0cd64e23a0","seconds":0.1,"way_back":false}',1,'1519bdd040f9e0cdfe3f820e59aa7b6dfff0b89d6ff32e26a2c3ce57e2f9aee4','dba0431ce05b109a195bcec2a2300488efa1d439e588d45d175bb6bc8a4c4c82');
INSERT INTO "events" VALUES(18,'2026-05-04T12:09:00.000000+00:00','shop','I-1','','{"kind":"system","known_by":"itself","name":"Handrail"}','update','{"status":"monitoring","text":"Part of the service does not work as it should, since 12:03 UTC. A correction was made and we are watching whether it helps. We expect it to be over by 12:23 UTC, going by what its runbook allows for. The next word comes by 12:24 UTC."}',1,'dba0431ce05b109a195bcec2a2300488efa1d439e588d45d175bb6bc8a4c4c82','e06524560e1aae20d7d43c28aa0a427ad7984f502b524bc987bf6422dfb11a92');
INSERT INTO "events" VALUES(19,'2026-05-04T12:09:12.000000+00:00','shop','I-1','R-1','{"kind":"system","known_by":"itself","name":"Handrail"}','series','{"least":false,"limit":1,"name":"errors","points":[[1777896552.0,0.0]],"unit":"%","verifying":"2026-05-04T12:09:00+00:00"}',1,'e06524560e1aae20d7d43c28aa0a427ad7984f502b524bc987bf6422dfb11a92','11096242d95200f369b9118e910ecda00fd875280e28c82c95ad7e90355974aa');
INSERT INTO "events" VALUES(20,'2026-05-04T12:09:12.000000+00:00','shop','I-1','R-1','{"kind":"system","known_by":"itself","name":"Handrail"}','check','{"ok":true,"says":"errors: 0 % (limit 1 %)"}',1,'11096242d95200f369b9118e910ecda00fd875280e28c82c95ad7e90355974aa','890367fdb55e2a2fd26dd9a59b15dde99aeb6e62bdaae93ac0f51933977322a4');
INSERT INTO "events" VALUES(21,'2026-05-04T12:09:24.000000+00:00','shop','I-1','R-1','{"kind":"system","known_by":"itself","name":"Handrail"}','series','{"least":false,"limit":1,"name":"errors","points":[[1777896555.0,0.0],[1777896558.0,0.0],[1777896561.0,0.0],[1777896564.0,0.0]],"unit":"%","verifying":"2026-05-04T12:09:00+00:00"}',1,'890367fdb55e2a2fd26dd9a59b15dde99aeb6e62bdaae93ac0f51933977322a4','4c0ef7b168bc1788959a3a6186bbcf6fb31601c7765ac58eca5ae422e1eb5d80');
INSERT INTO "events" VALUES(22,'2026-05-04T12:09:27.000000+00:00','shop','I-1','R-1','{"kind":"system","known_by":"itself","name":"Handrail"}','series','{"least":false,"limit":1,"name":"errors","points":[[1777896567.0,0.0]],"unit":"%","verifying":"2026-05-04T12:09:00+00:00"}',1,'4c0ef7b168bc1788959a3a6186bbcf6fb31601c7765ac58eca5ae422e1eb5d80','2bcca3675f821d90928aa862a08edfa0bc897d70932f4abc46c2605c2fdfda63');
INSERT INTO "events" VALUES(23,'2026-05-04T12:09:27.000000+00:00','shop','I-1','R-1','{"kind":"system","known_by":"itself","name":"Handrail"}','verified','{"held":15.0,"remedy":"step-2","since":"2026-05-04T12:09:12+00:00"}',1,'2bcca3675f821d90928aa862a08edfa0bc897d70932f4abc46c2605c2fdfda63','521aab50c68b7533993c4fec3196ba34058d2d3609f6ec53c060b023a599a227');
INSERT INTO "events" VALUES(24,'2026-05-04T12:09:27.000000+00:00','shop','I-1','R-1','{"kind":"system","known_by":"itself","name":"Handrail"}','evidence','{"command":"SH-001.4.1","digest":"b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","id":"E-04718d002004","identity":"look","look":"seen","says":"1 row","seconds":0.1}',1,'521aab50c68b7533993c4fec3196ba34058d2d3609f6ec53c060b023a599a227','ce4818d2a7f0fd3481911d903dbe5d691606fae2fa123bcc5424a4634c1b5d64');
INSERT INTO "events" VALUES(25,'2026-05-04T12:09:27.000000+00:00','shop','I-1','R-1','{"kind":"system","known_by":"itself","name":"Handrail"}','run_ended','{"ending":"healed","reason":"“Restart” helped and the checks held"}',1,'ce4818d2a7f0fd3481911d903dbe5d691606fae2fa123bcc5424a4634c1b5d64','0ec77998e20d3200fd5dc8c722296e6dcbd6d682cff3f8c6ca169e1502d6dd06');
INSERT INTO "events" VALUES(26,'2026-05-04T12:09:27.000000+00:00','shop','I-1','','{"kind":"system","known_by":"itself","name":"Handrail"}','incident_closed','{"reason":"“Restart” helped and the checks held"}',1,'0ec77998e20d3200fd5dc8c722296e6dcbd6d682cff3f8c6ca169e1502d6dd06','42d4e6a3ff3cb11ea994ca993241f79ff7a94be0d3aa5dcc9281660b778c6d38');
INSERT INTO "events" VALUES(27,'2026-05-04T12:09:27.000000+00:00','shop','I-1','','{"kind":"system","known_by":"itself","name":"Handrail"}','update','{"status":"resolved","text":"It works again. It began at 12:03 UTC."}',1,'42d4e6a3ff3cb11ea994ca993241f79ff7a94be0d3aa5dcc9281660b778c6d38','699b3eb01a22c362ad06baf255f784a5e2a65332460b10683700ef8e1ecdf851');
INSERT INTO "events" VALUES(28,'2026-05-04T12:09:27.000000+00:00','shop','I-1','','{"kind":"source","known_by":"webhook token","name":"shop"}','alert_resolved','{"name":"ShopFails"}',1,'699b3eb01a22c362ad06baf255f784a5e2a65332460b10683700ef8e1ecdf851','d0200fd751e8aca8461d97734a1dc1410f061a03f83eec0450591b420477d329');
INSERT INTO "events" VALUES(29,'2026-05-04T12:12:27.000000+00:00','shop','I-2','','{"kind":"source","known_by":"webhook token","name":"shop"}','alert_received','{"decision":"opens","name":"ShopFails","reason":"no open incident is about cart or what it depends on"}',1,'d0200fd751e8aca8461d97734a1dc1410f061a03f83eec0450591b420477d329','8ac7c6879bdd7300fd9130d3169dde7e6821d93fdabb81b71c4d929f08f68c06');
INSERT INTO "events" VALUES(30,'2026-05-04T12:12:27.000000+00:00','shop','I-2','','{"kind":"system","known_by":"itself","name":"Handrail"}','incident_opened','{"severity":"critical","title":"Requests to cart fail"}',1,'8ac7c6879bdd7300fd9130d3169dde7e6821d93fdabb81b71c4d929f08f68c06','714dfb80d78d742e9b352b3539ea3efd72f5f77fe29e639c025ddbb07f5541a5');
INSERT INTO "events" VALUES(31,'2026-05-04T12:12:27.000000+00:00','shop','I-2','R-2','{"kind":"system","known_by":"itself","name":"Handrail"}','runbook_chosen','{"how":"trigger","reason":"SH-001 is bound to ShopFails.","run":"R-2","runbook":"SH-001"}',1,'714dfb80d78d742e9b352b3539ea3efd72f5f77fe29e639c025ddbb07f5541a5','18ff0af7eee55c955c124ffbd13ee295823ee742c5edfe480a10111726bdc4c9');
INSERT INTO "events" VALUES(32,'2026-05-04T12:12:27.000000+00:00','shop','I-2','R-2','{"kind":"system","known_by":"itself","name":"Handrail"}','run_started','{"mode":"proposes","run":"R-2","runbook":"SH-001"}',1,'18ff0af7eee55c955c124ffbd13ee295823ee742c5edfe480a10111726bdc4c9','d9e071e45edc728bbb8c5d999ee4942e58d610954890f1096fa12db1f6051f44');
INSERT INTO "events" VALUES(33,'2026-05-04T12:12:27.000000+00:00','shop','I-2','','{"kind":"system","known_by":"itself","name":"Handrail"}','page','{"because":"an alert came","level":1,"person":""}',1,'d9e071e45edc728bbb8c5d999ee4942e58d610954890f1096fa12db1f6051f44','13cfc1e7517a39bd03cbaa746f662a824dd9d7370635f3057c60bf712dce647b');
INSERT INTO "events" VALUES(34,'2026-05-04T12:12:27.000000+00:00','shop','I-2','','{"kind":"system","known_by":"itself","name":"Handrail"}','update','{"status":"investigating","text":"Part of the service does not work as it should, since 12:12 UTC. We are looking for the cause. We expect it to be over by 12:32 UTC, going by what its runbook allows for. The next word comes by 12:27 UTC."}',1,'13cfc1e7517a39bd03cbaa746f662a824dd9d7370635f3057c60bf712dce647b','38c26bbaa8e3e87c0cbe76d7291ddae987749e8bdddd6ac1edc50a0e887a1281');
INSERT INTO "events" VALUES(35,'2026-05-04T12:12:27.000000+00:00','shop','I-2','R-2','{"kind":"system","known_by":"itself","name":"Handrail"}','evidence','{"command":"SH-001.1.1","digest":"b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","id":"E-c6f7956a4574","identity":"look","look":"seen","says":"1 row","seconds":0.1}',1,'38c26bbaa8e3e87c0cbe76d7291ddae987749e8bdddd6ac1edc50a0e887a1281','86bb790501a2d43c25e6a15b60a3d4706267f7a83f588089d0f161797e0f7f06');
INSERT INTO "events" VALUES(36,'2026-05-04T12:12:27.000000+00:00','shop','I-2','R-2','{"kind":"system","known_by":"itself","name":"Handrail"}','parameter_filled','{"name":"pod-name","source":"the alert''s label pod","value":"cart-0"}',1,'86bb790501a2d43c25e6a15b60a3d4706267f7a83f588089d0f161797e0f7f06','8992462345fa78256a1ae25536327d47752f1aae62f7b9e97de6795e15313960');
INSERT INTO "events" VALUES(37,'2026-05-04T12:12:27.000000+00:00','shop','I-2','R-2','{"kind":"system","known_by":"itself","name":"Handrail"}','evidence','{"command":"SH-001.1.2","digest":"b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","id":"E-1021f3463fcf","identity":"look","look":"seen","says":"1 row","seconds":0.1}',1,'8992462345fa78256a1ae25536327d47752f1aae62f7b9e97de6795e15313960','4b676ad732d911d56eb05614bb88155eff385b16ff0d8eac2607284711368b4e');
INSERT INTO "events" VALUES(38,'2026-05-04T12:12:27.000000+00:00','shop','I-2','R-2','{"kind":"system","known_by":"itself","name":"Handrail"}','series','{"least":false,"limit":1,"name":"errors","points":[[1777896747.0,50.0]],"unit":"%"}',1,'4b676ad732d911d56eb05614bb88155eff385b16ff0d8eac2607284711368b4e','391e06f660160711195cfe402e14f837c98ab57dcf8dc62497f7ae1196b00262');
INSERT INTO "events" VALUES(39,'2026-05-04T12:12:27.000000+00:00','shop','I-2','R-2','{"kind":"system","known_by":"itself","name":"Handrail"}','plan_proposed','{"because":"","original":true,"plan":"b5bfccc8d0639383f1298b424f22d5862923c7b545da4752b9e86fd43d6f668b","recommended":true,"remedy":"step-2","title":"Restart"}',1,'391e06f660160711195cfe402e14f837c98ab57dcf8dc62497f7ae1196b00262','79de3a0a3d750adb127075ea8a999829180aa6cae53384c955bec0fd5b9bb2d6');
INSERT INTO "events" VALUES(40,'2026-05-04T12:12:27.000000+00:00','shop','I-2','','{"kind":"system","known_by":"itself","name":"Handrail"}','update','{"status":"identified","text":"Part of the service does not work as it should, since 12:12 UTC. We know what to do and are preparing it. We expect it to be over by 12:32 UTC, going by what its runbook allows for. The next word comes by 12:27 UTC."}',1,'79de3a0a3d750adb127075ea8a999829180aa6cae53384c955bec0fd5b9bb2d6','eb9bf0a1d9a049e4a6123e68106d09c2c3f7151e5192d557e129e8331b034c81');
INSERT INTO "events" VALUES(41,'2026-05-04T12:12:27.000000+00:00','shop','I-2','R-2','{"kind":"person","known_by":"token","name":"Ana"}','decision','{"person":"Ana","plan":"b5bfccc8d0639383f1298b424f22d5862923c7b545da4752b9e86fd43d6f668b","reason":"","yes":true}',1,'eb9bf0a1d9a049e4a6123e68106d09c2c3f7151e5192d557e129e8331b034c81','1171986d36a03f95d26db899071ccc875f471932a73080d36de17d72c7368771');
INSERT INTO "events" VALUES(42,'2026-05-04T12:12:27.000000+00:00','shop','I-2','','{"kind":"person","known_by":"token","name":"Ana"}','acknowledged','{"person":"Ana"}',1,'1171986d36a03f95d26db899071ccc875f471932a73080d36de17d72c7368771','f8232dfd27b8e5727f48308b59a0338c08f7be04193a152c3cd022129f1b7b5b');
INSERT INTO "events" VALUES(43,'2026-05-04T12:12:27.000000+00:00','shop','I-2','R-2','{"kind":"system","known_by":"itself","name":"Handrail"}','intent','{"approved_by":"Ana","command":"SH-001.2.1","identity":"change","plan":"b5bfccc8d0639383f1298b424f22d5862923c7b545da4752b9e86fd43d6f668b","runs_as":"kubectl rollout restart deployment/web -n shop"}',1,'f8232dfd27b8e5727f48308b59a0338c08f7be04193a152c3cd022129f1b7b5b','166d24ef90c820d04b9de01f466b1c2e1314f0476bba45ca31572814c591713d');
INSERT INTO "events" VALUES(44,'2026-05-04T12:12:27.000000+00:00','shop','I-2','R-2','{"kind":"system","known_by":"itself","name":"Handrail"}','outcome','{"command":"SH-001.2.1","detail":"done","outcome":"succeeded","plan":"b5bfccc8d0639383f1298b424f22d5862923c7b545da4752b9e86fd43d6f668b","seconds":0.1,"way_back":false}',1,'166d24ef90c820d04b9de01f466b1c2e1314f0476bba45ca31572814c591713d','b14314cc6d9bc3d9732d3812475bc9a68ff42dfb92d34dc260128bcb02b6886a');
INSERT INTO "events" VALUES(45,'2026-05-04T12:12:27.000000+00:00','shop','I-2','','{"kind":"system","known_by":"itself","name":"Handrail"}','update','{"status":"monitoring","text":"Part of the service does not work as it should, since 12:12 UTC. A correction was made and we are watching whether it helps. We expect it to be over by 12:32 UTC, going by what its runbook allows for. The next word comes by 12:27 UTC."}',1,'b14314cc6d9bc3d9732d3812475bc9a68ff42dfb92d34dc260128bcb02b6886a','371366415e4b97b5b394ab11d149f4ae06fc7c5ce8792004068f8a3be0c50065');
INSERT INTO "events" VALUES(46,'2026-05-04T12:12:27.000000+00:00','shop','I-2','R-2','{"kind":"person","known_by":"token","name":"Ana"}','stopped','{"person":"Ana","run":"R-2"}',1,'371366415e4b97b5b394ab11d149f4ae06fc7c5ce8792004068f8a3be0c50065','d63eaed71582e8c123e5798a80f6ab2d660133cd37faa33524fa5269a19e8dba');
INSERT INTO "events" VALUES(47,'2026-05-04T12:12:27.000000+00:00','shop','I-2','R-2','{"kind":"system","known_by":"itself","name":"Handrail"}','run_ended','{"ending":"stopped","reason":"stopped by Ana"}',1,'d63eaed71582e8c123e5798a80f6ab2d660133cd37faa33524fa5269a19e8dba','a6763ced43c952d5f23759dd7e207954e8374f5d32588ab6bad291be1a689d9d');
INSERT INTO "events" VALUES(48,'2026-05-04T12:15:27.000000+00:00','shop','I-3','','{"kind":"source","known_by":"webhook token","name":"shop"}','alert_received','{"decision":"opens","name":"ShopFails","reason":"no open incident is about search or what it depends on"}',1,'a6763ced43c952d5f23759dd7e207954e8374f5d32588ab6bad291be1a689d9d','e6c0c632a17d9e64389550275f1a0e1b4b4c1a77b5b6b6564f59a75604798f6f');
INSERT INTO "events" VALUES(49,'2026-05-04T12:15:27.000000+00:00','shop','I-3','','{"kind":"system","known_by":"itself","name":"Handrail"}','incident_opened','{"severity":"critical","title":"Requests to search fail"}',1,'e6c0c632a17d9e64389550275f1a0e1b4b4c1a77b5b6b6564f59a75604798f6f','bd3fbfd9385afa07194fd9acb1b409a7771f5c7f75a2e22445d43dead071abdc');
INSERT INTO "events" VALUES(50,'2026-05-04T12:15:27.000000+00:00','shop','I-3','R-3','{"kind":"system","known_by":"itself","name":"Handrail"}','runbook_chosen','{"how":"trigger","reason":"SH-001 is bound to ShopFails.","run":"R-3","runbook":"SH-001"}',1,'bd3fbfd9385afa07194fd9acb1b409a7771f5c7f75a2e22445d43dead071abdc','ec5acfa369e3394df52db48c4f59118dd452ef054e2001a0f01375efbffd650d');
INSERT INTO "events" VALUES(51,'2026-05-04T12:15:27.000000+00:00','shop','I-3','R-3','{"kind":"system","known_by":"itself","name":"Handrail"}','run_started','{"mode":"proposes","run":"R-3","runbook":"SH-001"}',1,'ec5acfa369e3394df52db48c4f59118dd452ef054e2001a0f01375efbffd650d','c447ddf4d2f74845070f97631815bd40f7ac78e95ac6d1333acc49f9115e401a');
INSERT INTO "events" VALUES(52,'2026-05-04T12:15:27.000000+00:00','shop','I-3','','{"kind":"system","known_by":"itself","name":"Handrail"}','page','{"because":"an alert came","level":1,"person":""}',1,'c447ddf4d2f74845070f97631815bd40f7ac78e95ac6d1333acc49f9115e401a','cbaab990d69039eda36c19c6ca1e37efb5494207d9d20e97131b97b4a5e307f9');
INSERT INTO "events" VALUES(53,'2026-05-04T12:15:27.000000+00:00','shop','I-3','','{"kind":"system","known_by":"itself","name":"Handrail"}','update','{"status":"investigating","text":"Part of the service does not work as it should, since 12:15 UTC. We are looking for the cause. We expect it to be over by 12:35 UTC, going by what its runbook allows for. The next word comes by 12:30 UTC."}',1,'cbaab990d69039eda36c19c6ca1e37efb5494207d9d20e97131b97b4a5e307f9','382464e728fd6e625f55f908db888dabbd64bc51b4069a77b704f4a8e12da70a');
INSERT INTO "events" VALUES(54,'2026-05-04T12:15:27.000000+00:00','shop','I-3','R-3','{"kind":"system","known_by":"itself","name":"Handrail"}','evidence','{"command":"SH-001.1.1","digest":"b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","id":"E-d0739cff837b","identity":"look","look":"seen","says":"1 row","seconds":0.1}',1,'382464e728fd6e625f55f908db888dabbd64bc51b4069a77b704f4a8e12da70a','ab3ce9f4926aae2178cedaebeb999acda06ab6e534c0d65041dac9afb5eb647c');
INSERT INTO "events" VALUES(55,'2026-05-04T12:15:27.000000+00:00','shop','I-3','R-3','{"kind":"system","known_by":"itself","name":"Handrail"}','parameter_filled','{"name":"pod-name","source":"the alert''s label pod","value":"search-0"}',1,'ab3ce9f4926aae2178cedaebeb999acda06ab6e534c0d65041dac9afb5eb647c','c4d298b38a3a37d8d6802e347de2e00962e847adc94c526ad0239a988da77d3f');
INSERT INTO "events" VALUES(56,'2026-05-04T12:15:27.000000+00:00','shop','I-3','R-3','{"kind":"system","known_by":"itself","name":"Handrail"}','evidence','{"command":"SH-001.1.2","digest":"b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","id":"E-d9742d2ab8c8","identity":"look","look":"seen","says":"1 row","seconds":0.1}',1,'c4d298b38a3a37d8d6802e347de2e00962e847adc94c526ad0239a988da77d3f','8649a69d7a17c1505379c61dc843985a3106b62a62d8e111ba848d2257795131');
INSERT INTO "events" VALUES(57,'2026-05-04T12:15:27.000000+00:00','shop','I-3','R-3','{"kind":"system","known_by":"itself","name":"Handrail"}','series','{"least":false,"limit":1,"name":"errors","points":[[1777896927.0,50.0]],"unit":"%"}',1,'8649a69d7a17c1505379c61dc843985a3106b62a62d8e111ba848d2257795131','f87f4e08b09ae6a562da323ad4fbecbf9a940d4e0904408bae371bd00d7f31bb');
INSERT INTO "events" VALUES(58,'2026-05-04T12:15:27.000000+00:00','shop','I-3','R-3','{"kind":"system","known_by":"itself","name":"Handrail"}','plan_proposed','{"because":"","original":true,"plan":"d757735a01b090d12384c9e68dcb0bafbe0e8242225477ea171e8f576788da1d","recommended":true,"remedy":"step-2","title":"Restart"}',1,'f87f4e08b09ae6a562da323ad4fbecbf9a940d4e0904408bae371bd00d7f31bb','62ec2cf897edf76dbeee1c13a1c9e3a43fb3889c8541dbe4fe09d702216b85d4');
INSERT INTO "events" VALUES(59,'2026-05-04T12:15:27.000000+00:00','shop','I-3','','{"kind":"system","known_by":"itself","name":"Handrail"}','update','{"status":"identified","text":"Part of the service does not work as it should, since 12:15 UTC. We know what to do and are preparing it. We expect it to be over by 12:35 UTC, going by what its runbook allows for. The next word comes by 12:30 UTC."}',1,'62ec2cf897edf76dbeee1c13a1c9e3a43fb3889c8541dbe4fe09d702216b85d4','f7a00c9c19b01403586a6f77a8a3578c21b7cf1ae197af614441ab4713801e43');
INSERT INTO "events" VALUES(60,'2026-05-04T12:15:27.000000+00:00','shop','I-3','R-3','{"kind":"person","known_by":"token","name":"Ana"}','decision','{"person":"Ana","plan":"d757735a01b090d12384c9e68dcb0bafbe0e8242225477ea171e8f576788da1d","reason":"","yes":true}',1,'f7a00c9c19b01403586a6f77a8a3578c21b7cf1ae197af614441ab4713801e43','7d89293b9eb47530b4be215e5edf5cdc57a88d7de3d35282e5840852b291e64d');
INSERT INTO "events" VALUES(61,'2026-05-04T12:15:27.000000+00:00','shop','I-3','','{"kind":"person","known_by":"token","name":"Ana"}','acknowledged','{"person":"Ana"}',1,'7d89293b9eb47530b4be215e5edf5cdc57a88d7de3d35282e5840852b291e64d','bab5afe6a2c804fb59f62dfe0dffff9bc024da8812df10733d5701897beee5ae');
INSERT INTO "events" VALUES(62,'2026-05-04T12:15:27.000000+00:00','shop','I-3','R-3','{"kind":"system","known_by":"itself","name":"Handrail"}','intent','{"approved_by":"Ana","command":"SH-001.2.1","identity":"change","plan":"d757735a01b090d12384c9e68dcb0bafbe0e8242225477ea171e8f576788da1d","runs_as":"kubectl rollout restart deployment/web -n shop"}',1,'bab5afe6a2c804fb59f62dfe0dffff9bc024da8812df10733d5701897beee5ae','4efcd5980281734de1f9695ffae85be7f5fafdfc70a5cfbee4fb23e9ba3c7b7d');
INSERT INTO "events" VALUES(63,'2026-05-04T12:18:27.000000+00:00','shop','I-4','','{"kind":"source","known_by":"webhook token","name":"shop"}','alert_received','{"decision":"opens","name":"ShopFails","reason":"no open incident is about mail or what it depends on"}',1,'4efcd5980281734de1f9695ffae85be7f5fafdfc70a5cfbee4fb23e9ba3c7b7d','5ab594c788867b7a3d02ea3817493469f835916c4355a9a05d3c609746a08fcf');
INSERT INTO "events" VALUES(64,'2026-05-04T12:18:27.000000+00:00','shop','I-4','','{"kind":"system","known_by":"itself","name":"Handrail"}','incident_opened','{"severity":"critical","title":"Requests to mail fail"}',1,'5ab594c788867b7a3d02ea3817493469f835916c4355a9a05d3c609746a08fcf','514caddf8b12983be30c7b117cb2e8ad4eb10e4ae80bd077b835f5f3ffd416c6');
INSERT INTO "events" VALUES(65,'2026-05-04T12:18:27.000000+00:00','shop','I-4','R-4','{"kind":"system","known_by":"itself","name":"Handrail"}','runbook_chosen','{"how":"trigger","reason":"SH-001 is bound to ShopFails.","run":"R-4","runbook":"SH-001"}',1,'514caddf8b12983be30c7b117cb2e8ad4eb10e4ae80bd077b835f5f3ffd416c6','8de15bebb8440e963cd330357aa39873566f39852aa92f4ce332f6e1aec97224');
INSERT INTO "events" VALUES(66,'2026-05-04T12:18:27.000000+00:00','shop','I-4','R-4','{"kind":"system","known_by":"itself","name":"Handrail"}','run_started','{"mode":"proposes","run":"R-4","runbook":"SH-001"}',1,'8de15bebb8440e963cd330357aa39873566f39852aa92f4ce332f6e1aec97224','9dce51496210196db15b1d71235d8424f230b8486877775a144dd474ae135bf4');
INSERT INTO "events" VALUES(67,'2026-05-04T12:18:27.000000+00:00','shop','I-4','','{"kind":"system","known_by":"itself","name":"Handrail"}','page','{"because":"an alert came","level":1,"person":""}',1,'9dce51496210196db15b1d71235d8424f230b8486877775a144dd474ae135bf4','ab0c0b9dbf270cd505391119a11ddd0c0c20ecc9a667d6fc1b038f70e3bc27aa');
INSERT INTO "events" VALUES(68,'2026-05-04T12:18:27.000000+00:00','shop','I-4','','{"kind":"system","known_by":"itself","name":"Handrail"}','update','{"status":"investigating","text":"Part of the service does not work as it should, since 12:18 UTC. We are looking for the cause. We expect it to be over by 12:38 UTC, going by what its runbook allows for. The next word comes by 12:33 UTC."}',1,'ab0c0b9dbf270cd505391119a11ddd0c0c20ecc9a667d6fc1b038f70e3bc27aa','c8624ad7c5be1afee396e506dc017c33e9d15663a9780c321fe6020ab8585294');
INSERT INTO "events" VALUES(69,'2026-05-04T12:18:27.000000+00:00','shop','I-4','R-4','{"kind":"system","known_by":"itself","name":"Handrail"}','evidence','{"command":"SH-001.1.1","digest":"b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","id":"E-56b14f9e4d9b","identity":"look","look":"seen","says":"1 row","seconds":0.1}',1,'c8624ad7c5be1afee396e506dc017c33e9d15663a9780c321fe6020ab8585294','b0efe0239b1a7bcc6b001fa0364828f4170db517a2c2896aaf833c52d4a4204d');
INSERT INTO "events" VALUES(70,'2026-05-04T12:18:27.000000+00:00','shop','I-4','R-4','{"kind":"system","known_by":"itself","name":"Handrail"}','parameter_filled','{"name":"pod-name","source":"the alert''s label pod","value":"mail-0"}',1,'b0efe0239b1a7bcc6b001fa0364828f4170db517a2c2896aaf833c52d4a4204d','afb14130fd4fba71b343e03404ca53017214b7bdc368ef0f2dac2e43fd81adf2');
INSERT INTO "events" VALUES(71,'2026-05-04T12:18:27.000000+00:00','shop','I-4','R-4','{"kind":"system","known_by":"itself","name":"Handrail"}','evidence','{"command":"SH-001.1.2","digest":"b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","id":"E-7d92a888b2d8","identity":"look","look":"seen","says":"1 row","seconds":0.1}',1,'afb14130fd4fba71b343e03404ca53017214b7bdc368ef0f2dac2e43fd81adf2','86b0ea994740c06a9fd50d57bf0d9e0095bff97977ba602896667c4710680d61');
INSERT INTO "events" VALUES(72,'2026-05-04T12:18:27.000000+00:00','shop','I-4','R-4','{"kind":"system","known_by":"itself","name":"Handrail"}','series','{"least":false,"limit":1,"name":"errors","points":[[1777897107.0,50.0]],"unit":"%"}',1,'86b0ea994740c06a9fd50d57bf0d9e0095bff97977ba602896667c4710680d61','86f5914e2ba26b8d171731a9da306f9bf0688f26510a7b5f1704db3ac72646a5');
INSERT INTO "events" VALUES(73,'2026-05-04T12:18:27.000000+00:00','shop','I-4','R-4','{"kind":"system","known_by":"itself","name":"Handrail"}','plan_proposed','{"because":"","original":true,"plan":"ccb2ad00474602ab450c3f539045067f9b6b271094e46f1306cce34bde6e7c3b","recommended":true,"remedy":"step-2","title":"Restart"}',1,'86f5914e2ba26b8d171731a9da306f9bf0688f26510a7b5f1704db3ac72646a5','36c22d4f0a02e5f46889b4dc10eee21c6bd0bb9b0588a8295cfdb0dc9ee0ddd5');
INSERT INTO "events" VALUES(74,'2026-05-04T12:18:27.000000+00:00','shop','I-4','','{"kind":"system","known_by":"itself","name":"Handrail"}','update','{"status":"identified","text":"Part of the service does not work as it should, since 12:18 UTC. We know what to do and are preparing it. We expect it to be over by 12:38 UTC, going by what its runbook allows for. The next word comes by 12:33 UTC."}',1,'36c22d4f0a02e5f46889b4dc10eee21c6bd0bb9b0588a8295cfdb0dc9ee0ddd5','03403293d707abfc670f407cfff8b47fa7e9d2098cf4a92d23df3b0887a41aa8');
INSERT INTO "events" VALUES(75,'2026-05-04T12:21:27.000000+00:00','shop','I-5','','{"kind":"source","known_by":"webhook token","name":"shop"}','alert_received','{"decision":"opens","name":"ShopFails","reason":"no open incident is about stock or what it depends on"}',1,'03403293d707abfc670f407cfff8b47fa7e9d2098cf4a92d23df3b0887a41aa8','c84647e72e4439a2cd3cd392a8e972ea2e06b056929e6f64c501d95284d90be1');
INSERT INTO "events" VALUES(76,'2026-05-04T12:21:27.000000+00:00','shop','I-5','','{"kind":"system","known_by":"itself","name":"Handrail"}','incident_opened','{"severity":"critical","title":"Requests to stock fail"}',1,'c84647e72e4439a2cd3cd392a8e972ea2e06b056929e6f64c501d95284d90be1','2920d65eaa5bddbc28be43de965b049900763dacd5fd8c5f68ebfbccabf3e714');
INSERT INTO "events" VALUES(77,'2026-05-04T12:21:27.000000+00:00','shop','I-5','R-5','{"kind":"system","known_by":"itself","name":"Handrail"}','runbook_chosen','{"how":"trigger","reason":"SH-001 is bound to ShopFails.","run":"R-5","runbook":"SH-001"}',1,'2920d65eaa5bddbc28be43de965b049900763dacd5fd8c5f68ebfbccabf3e714','f5a9216c15c84662c2e9b537716d450e16807dd31681f37826b665d3faeebb33');
INSERT INTO "events" VALUES(78,'2026-05-04T12:21:27.000000+00:00','shop','I-5','R-5','{"kind":"system","known_by":"itself","name":"Handrail"}','run_started','{"mode":"proposes","run":"R-5","runbook":"SH-001"}',1,'f5a9216c15c84662c2e9b537716d450e16807dd31681f37826b665d3faeebb33','855f96ecd80122da80e840d1ec45ed4c2246a1bbf6a1c4ce5c393ce1066711f9');
INSERT INTO "events" VALUES(79,'2026-05-04T12:21:27.000000+00:00','shop','I-5','','{"kind":"system","known_by":"itself","name":"Handrail"}','page','{"because":"an alert came","level":1,"person":""}',1,'855f96ecd80122da80e840d1ec45ed4c2246a1bbf6a1c4ce5c393ce1066711f9','926d55e7a9900bd58756b5f98775258a2ceecb5f40462c368657e6046d94c887');
INSERT INTO "events" VALUES(80,'2026-05-04T12:21:27.000000+00:00','shop','I-5','','{"kind":"system","known_by":"itself","name":"Handrail"}','update','{"status":"investigating","text":"Part of the service does not work as it should, since 12:21 UTC. We are looking for the cause. We expect it to be over by 12:41 UTC, going by what its runbook allows for. The next word comes by 12:36 UTC."}',1,'926d55e7a9900bd58756b5f98775258a2ceecb5f40462c368657e6046d94c887','70fea178140c836faa821fa8948cc132746f129d7e425b7bdf824879d903adfc');
INSERT INTO "events" VALUES(81,'2026-05-04T12:21:27.000000+00:00','shop','I-5','R-5','{"kind":"system","known_by":"itself","name":"Handrail"}','evidence','{"command":"SH-001.1.1","digest":"b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","id":"E-414058e4cd67","identity":"look","look":"seen","says":"1 row","seconds":0.1}',1,'70fea178140c836faa821fa8948cc132746f129d7e425b7bdf824879d903adfc','2e268002946a797f21a56ad7ee60876ca3e4d359856abd6b1058a1fb3f973bf8');
INSERT INTO "events" VALUES(82,'2026-05-04T12:21:27.000000+00:00','shop','I-5','R-5','{"kind":"system","known_by":"itself","name":"Handrail"}','parameter_filled','{"name":"pod-name","source":"the alert''s label pod","value":"stock-0"}',1,'2e268002946a797f21a56ad7ee60876ca3e4d359856abd6b1058a1fb3f973bf8','91405b7bb124cbf3c77c232cad93b4f3a283d80df4f09819a40b63c7c50829f6');
INSERT INTO "events" VALUES(83,'2026-05-04T12:21:27.000000+00:00','shop','I-5','R-5','{"kind":"system","known_by":"itself","name":"Handrail"}','evidence','{"command":"SH-001.1.2","digest":"b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","id":"E-f3f39a79da62","identity":"look","look":"seen","says":"1 row","seconds":0.1}',1,'91405b7bb124cbf3c77c232cad93b4f3a283d80df4f09819a40b63c7c50829f6','37dda061b8bfdb0348e5091c0ce459b773306ad1ad1895299588d82a4433a580');
INSERT INTO "events" VALUES(84,'2026-05-04T12:21:27.000000+00:00','shop','I-5','R-5','{"kind":"system","known_by":"itself","name":"Handrail"}','series','{"least":false,"limit":1,"name":"errors","points":[[1777897287.0,50.0]],"unit":"%"}',1,'37dda061b8bfdb0348e5091c0ce459b773306ad1ad1895299588d82a4433a580','6190423cfb1a6ad22ce48d40adb01036bd00c345d08f907aa097368857aa0df1');
INSERT INTO "events" VALUES(85,'2026-05-04T12:21:27.000000+00:00','shop','I-5','R-5','{"kind":"system","known_by":"itself","name":"Handrail"}','plan_proposed','{"because":"","original":true,"plan":"8b3d7df9de223d0814ef5c2500dfad018799ba523577952c7d68e1e5f9061139","recommended":true,"remedy":"step-2","title":"Restart"}',1,'6190423cfb1a6ad22ce48d40adb01036bd00c345d08f907aa097368857aa0df1','25ff7e010184ff975346aaf3fbac7c11d0e7435d92d9febd23c3e4bd6f92211f');
INSERT INTO "events" VALUES(86,'2026-05-04T12:21:27.000000+00:00','shop','I-5','','{"kind":"system","known_by":"itself","name":"Handrail"}','update','{"status":"identified","text":"Part of the service does not work as it should, since 12:21 UTC. We know what to do and are preparing it. We expect it to be over by 12:41 UTC, going by what its runbook allows for. The next word comes by 12:36 UTC."}',1,'25ff7e010184ff975346aaf3fbac7c11d0e7435d92d9febd23c3e4bd6f92211f','901f341981fdf09697ff2b6f9ef03516f2bcd3b2458de7a9b3707c2a4c04b838');
INSERT INTO "events" VALUES(87,'2026-05-04T12:21:27.000000+00:00','shop','I-5','','{"kind":"person","known_by":"token","name":"Ana"}','taken_over','{"person":"Ana"}',1,'901f341981fdf09697ff2b6f9ef03516f2bcd3b2458de7a9b3707c2a4c04b838','8e55f7cff6c24b63fa1372c68d4165ecbe90bad0aeac6090e9a7314480829173');
INSERT INTO "events" VALUES(88,'2026-05-04T12:21:27.000000+00:00','shop','I-5','','{"kind":"person","known_by":"token","name":"Ana"}','acknowledged','{"person":"Ana"}',1,'8e55f7cff6c24b63fa1372c68d4165ecbe90bad0aeac6090e9a7314480829173','be5165437e874fc670002c192bdd364cbc602c4de26690596895421d1d569363');
INSERT INTO "events" VALUES(89,'2026-05-04T12:21:27.000000+00:00','shop','I-6','','{"kind":"source","known_by":"webhook token","name":"shop"}','alert_received','{"decision":"opens","name":"Odd","reason":"no open incident is about other or what it depends on"}',1,'be5165437e874fc670002c192bdd364cbc602c4de26690596895421d1d569363','3fcd42d9ad8f5029eb3c61910d46fe3b9f5d33324ba5cf5634494aeb606c61b9');
INSERT INTO "events" VALUES(90,'2026-05-04T12:21:27.000000+00:00','shop','I-6','','{"kind":"system","known_by":"itself","name":"Handrail"}','incident_opened','{"severity":"unknown","title":"Odd on other"}',1,'3fcd42d9ad8f5029eb3c61910d46fe3b9f5d33324ba5cf5634494aeb606c61b9','bdc96fb34c629d95491522591f677731462c0843d2adfb5108ffd6bc75a4fcf9');
INSERT INTO "events" VALUES(91,'2026-05-04T12:21:27.000000+00:00','shop','I-6','','{"kind":"system","known_by":"itself","name":"Handrail"}','runbook_undecided','{"candidates":[],"reason":"No runbook is bound to Odd, and its words fit none well."}',1,'bdc96fb34c629d95491522591f677731462c0843d2adfb5108ffd6bc75a4fcf9','993ac41974cc66c16352ddd6b6d7245cb30a3f3f2a79eb8f3f5d8985afa556eb');
INSERT INTO "events" VALUES(92,'2026-05-04T12:21:27.000000+00:00','shop','I-6','','{"kind":"system","known_by":"itself","name":"Handrail"}','page','{"because":"an alert came","level":1,"person":""}',1,'993ac41974cc66c16352ddd6b6d7245cb30a3f3f2a79eb8f3f5d8985afa556eb','65d0282b338967e2180ef1ad70fba7c1df8b188ea01693faed6047a944b42d96');
INSERT INTO "events" VALUES(93,'2026-05-04T12:21:27.000000+00:00','shop','I-1','','{"kind":"system","known_by":"itself","name":"Handrail"}','message','{"person":"Ana","title":"t"}',1,'65d0282b338967e2180ef1ad70fba7c1df8b188ea01693faed6047a944b42d96','8bb7c3756f6ec6fb484b5d3689ab35f12ed2b4563abed3ff2c3733f8dc6ff2f4');
CREATE TABLE evidence (
	number INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	run TEXT NOT NULL, 
	command TEXT NOT NULL, 
	stored_at TEXT NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (number), 
	UNIQUE (id)
);
INSERT INTO "evidence" VALUES(1,'E-1ef4f8601ee9','R-1','SH-001.1.1','2026-05-04T12:03:00.000000+00:00','{"as_written":"kubectl get pods -n shop","because":"","command":"SH-001.1.1","digest":"b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","exit_codes":[0],"id":"E-1ef4f8601ee9","identity":"look","kind":"table","look":"seen","run":"R-1","runs_as":"kubectl get pods -n shop","says":"1 row","seconds":0.1,"started_at":"2026-05-04T12:03:00+00:00","stderr":"","stdout":"NAME  READY\nweb-0  0/1\n","target":"kubernetes","truncated":false}');
INSERT INTO "evidence" VALUES(2,'E-4dd120e51d7a','R-1','SH-001.1.2','2026-05-04T12:03:00.000000+00:00','{"as_written":"kubectl describe pod <pod-name> -n shop","because":"","command":"SH-001.1.2","digest":"b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","exit_codes":[0],"id":"E-4dd120e51d7a","identity":"look","kind":"table","look":"seen","run":"R-1","runs_as":"kubectl describe pod web-0 -n shop","says":"1 row","seconds":0.1,"started_at":"2026-05-04T12:03:00+00:00","stderr":"","stdout":"NAME  READY\nweb-0  0/1\n","target":"kubernetes","truncated":false}');
INSERT INTO "evidence" VALUES(3,'E-04718d002004','R-1','SH-001.4.1','2026-05-04T12:09:27.000000+00:00','{"as_written":"kubectl get deployment web -n shop","because":"","command":"SH-001.4.1","digest":"b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","exit_codes":[0],"id":"E-04718d002004","identity":"look","kind":"table","look":"seen","run":"R-1","runs_as":"kubectl get deployment web -n shop","says":"1 row","seconds":0.1,"started_at":"2026-05-04T12:09:27+00:00","stderr":"","stdout":"NAME  READY\nweb-0  0/1\n","target":"kubernetes","truncated":false}');
INSERT INTO "evidence" VALUES(4,'E-c6f7956a4574','R-2','SH-001.1.1','2026-05-04T12:12:27.000000+00:00','{"as_written":"kubectl get pods -n shop","because":"","command":"SH-001.1.1","digest":"b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","exit_codes":[0],"id":"E-c6f7956a4574","identity":"look","kind":"table","look":"seen","run":"R-2","runs_as":"kubectl get pods -n shop","says":"1 row","seconds":0.1,"started_at":"2026-05-04T12:12:27+00:00","stderr":"","stdout":"NAME  READY\nweb-0  0/1\n","target":"kubernetes","truncated":false}');
INSERT INTO "evidence" VALUES(5,'E-1021f3463fcf','R-2','SH-001.1.2','2026-05-04T12:12:27.000000+00:00','{"as_written":"kubectl describe pod <pod-name> -n shop","because":"","command":"SH-001.1.2","digest":"b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","exit_codes":[0],"id":"E-1021f3463fcf","identity":"look","kind":"table","look":"seen","run":"R-2","runs_as":"kubectl describe pod cart-0 -n shop","says":"1 row","seconds":0.1,"started_at":"2026-05-04T12:12:27+00:00","stderr":"","stdout":"NAME  READY\nweb-0  0/1\n","target":"kubernetes","truncated":false}');
INSERT INTO "evidence" VALUES(6,'E-d0739cff837b','R-3','SH-001.1.1','2026-05-04T12:15:27.000000+00:00','{"as_written":"kubectl get pods -n shop","because":"","command":"SH-001.1.1","digest":"b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","exit_codes":[0],"id":"E-d0739cff837b","identity":"look","kind":"table","look":"seen","run":"R-3","runs_as":"kubectl get pods -n shop","says":"1 row","seconds":0.1,"started_at":"2026-05-04T12:15:27+00:00","stderr":"","stdout":"NAME  READY\nweb-0  0/1\n","target":"kubernetes","truncated":false}');
INSERT INTO "evidence" VALUES(7,'E-d9742d2ab8c8','R-3','SH-001.1.2','2026-05-04T12:15:27.000000+00:00','{"as_written":"kubectl describe pod <pod-name> -n shop","because":"","command":"SH-001.1.2","digest":"b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","exit_codes":[0],"id":"E-d9742d2ab8c8","identity":"look","kind":"table","look":"seen","run":"R-3","runs_as":"kubectl describe pod search-0 -n shop","says":"1 row","seconds":0.1,"started_at":"2026-05-04T12:15:27+00:00","stderr":"","stdout":"NAME  READY\nweb-0  0/1\n","target":"kubernetes","truncated":false}');
INSERT INTO "evidence" VALUES(8,'E-56b14f9e4d9b','R-4','SH-001.1.1','2026-05-04T12:18:27.000000+00:00','{"as_written":"kubectl get pods -n shop","because":"","command":"SH-001.1.1","digest":"b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","exit_codes":[0],"id":"E-56b14f9e4d9b","identity":"look","kind":"table","look":"seen","run":"R-4","runs_as":"kubectl get pods -n shop","says":"1 row","seconds":0.1,"started_at":"2026-05-04T12:18:27+00:00","stderr":"","stdout":"NAME  READY\nweb-0  0/1\n","target":"kubernetes","truncated":false}');
INSERT INTO "evidence" VALUES(9,'E-7d92a888b2d8','R-4','SH-001.1.2','2026-05-04T12:18:27.000000+00:00','{"as_written":"kubectl describe pod <pod-name> -n shop","because":"","command":"SH-001.1.2","digest":"b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","exit_codes":[0],"id":"E-7d92a888b2d8","identity":"look","kind":"table","look":"seen","run":"R-4","runs_as":"kubectl describe pod mail-0 -n shop","says":"1 row","seconds":0.1,"started_at":"2026-05-04T12:18:27+00:00","stderr":"","stdout":"NAME  READY\nweb-0  0/1\n","target":"kubernetes","truncated":false}');
INSERT INTO "evidence" VALUES(10,'E-414058e4cd67','R-5','SH-001.1.1','2026-05-04T12:21:27.000000+00:00','{"as_written":"kubectl get pods -n shop","because":"","command":"SH-001.1.1","digest":"b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","exit_codes":[0],"id":"E-414058e4cd67","identity":"look","kind":"table","look":"seen","run":"R-5","runs_as":"kubectl get pods -n shop","says":"1 row","seconds":0.1,"started_at":"2026-05-04T12:21:27+00:00","stderr":"","stdout":"NAME  READY\nweb-0  0/1\n","target":"kubernetes","truncated":false}');
INSERT INTO "evidence" VALUES(11,'E-f3f39a79da62','R-5','SH-001.1.2','2026-05-04T12:21:27.000000+00:00','{"as_written":"kubectl describe pod <pod-name> -n shop","because":"","command":"SH-001.1.2","digest":"b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","exit_codes":[0],"id":"E-f3f39a79da62","identity":"look","kind":"table","look":"seen","run":"R-5","runs_as":"kubectl describe pod stock-0 -n shop","says":"1 row","seconds":0.1,"started_at":"2026-05-04T12:21:27+00:00","stderr":"","stdout":"NAME  READY\nweb-0  0/1\n","target":"kubernetes","truncated":false}');
CREATE TABLE incidents (
	number INTEGER NOT NULL, 
	environment TEXT NOT NULL, 
	service TEXT NOT NULL, 
	title TEXT NOT NULL, 
	severity TEXT NOT NULL, 
	status TEXT NOT NULL, 
	opened_at TEXT NOT NULL, 
	last_alert_at TEXT NOT NULL, 
	closed_at TEXT, 
	acknowledged_by TEXT, 
	acknowledged_at TEXT, 
	taken_over_by TEXT, 
	level INTEGER NOT NULL, 
	verified_at TEXT, 
	drill INTEGER NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "incidents" VALUES(1,'shop','web','Requests to web fail','critical','closed','2026-05-04T12:03:00.000000+00:00','2026-05-04T12:03:00.000000+00:00','2026-05-04T12:09:27.000000+00:00','Ana','2026-05-04T12:09:00.000000+00:00',NULL,2,NULL,0);
INSERT INTO "incidents" VALUES(2,'shop','cart','Requests to cart fail','critical','open','2026-05-04T12:12:27.000000+00:00','2026-05-04T12:12:27.000000+00:00',NULL,'Ana','2026-05-04T12:12:27.000000+00:00',NULL,1,NULL,0);
INSERT INTO "incidents" VALUES(3,'shop','search','Requests to search fail','critical','open','2026-05-04T12:15:27.000000+00:00','2026-05-04T12:15:27.000000+00:00',NULL,'Ana','2026-05-04T12:15:27.000000+00:00',NULL,1,NULL,0);
INSERT INTO "incidents" VALUES(4,'shop','mail','Requests to mail fail','critical','open','2026-05-04T12:18:27.000000+00:00','2026-05-04T12:18:27.000000+00:00',NULL,NULL,NULL,NULL,1,NULL,0);
INSERT INTO "incidents" VALUES(5,'shop','stock','Requests to stock fail','critical','open','2026-05-04T12:21:27.000000+00:00','2026-05-04T12:21:27.000000+00:00',NULL,'Ana','2026-05-04T12:21:27.000000+00:00','Ana',1,NULL,0);
INSERT INTO "incidents" VALUES(6,'shop','other','Odd on other','unknown','open','2026-05-04T12:21:27.000000+00:00','2026-05-04T12:21:27.000000+00:00',NULL,NULL,NULL,NULL,1,NULL,0);
CREATE TABLE intents (
	run TEXT NOT NULL, 
	"plan" TEXT NOT NULL, 
	command INTEGER NOT NULL, 
	target TEXT NOT NULL, 
	approved_by TEXT NOT NULL, 
	worker TEXT NOT NULL, 
	at TEXT NOT NULL, 
	outcome TEXT, 
	outcome_at TEXT, 
	detail TEXT NOT NULL, 
	PRIMARY KEY (run, "plan", command)
);
INSERT INTO "intents" VALUES('R-1','c033b008468f6a3bd9cb8556cf8072d7b4e754f7734a6359d5f76c0cd64e23a0',0,'shop/web','Ana','w','2026-05-04T12:09:00.000000+00:00','succeeded','2026-05-04T12:09:00.000000+00:00','done');
INSERT INTO "intents" VALUES('R-2','b5bfccc8d0639383f1298b424f22d5862923c7b545da4752b9e86fd43d6f668b',0,'shop/cart','Ana','w','2026-05-04T12:12:27.000000+00:00','succeeded','2026-05-04T12:12:27.000000+00:00','done');
INSERT INTO "intents" VALUES('R-3','d757735a01b090d12384c9e68dcb0bafbe0e8242225477ea171e8f576788da1d',0,'shop/search','Ana','w','2026-05-04T12:15:27.000000+00:00',NULL,NULL,'');
CREATE TABLE locks (
	target TEXT NOT NULL, 
	"plan" TEXT NOT NULL, 
	at TEXT NOT NULL, 
	PRIMARY KEY (target)
);
INSERT INTO "locks" VALUES('shop/cart','b5bfccc8d0639383f1298b424f22d5862923c7b545da4752b9e86fd43d6f668b','2026-05-04T12:12:27.000000+00:00');
INSERT INTO "locks" VALUES('shop/search','d757735a01b090d12384c9e68dcb0bafbe0e8242225477ea171e8f576788da1d','2026-05-04T12:15:27.000000+00:00');
CREATE TABLE messages (
	id TEXT NOT NULL, 
	incident TEXT NOT NULL, 
	person TEXT NOT NULL, 
	title TEXT NOT NULL, 
	body TEXT NOT NULL, 
	at TEXT NOT NULL, 
	state TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "messages" VALUES('page/I-1/2/Ana','I-1','Ana','Critical: Requests to web fail (shop). SH-001 is looking; nobody has it yet.','You are called as level 2: nobody has answered for 6 min.','2026-05-04T12:09:00.000000+00:00','sent','');
INSERT INTO "messages" VALUES('plan/c033b008468f6a3bd9cb8556cf8072d7b4e754f7734a6359d5f76c0cd64e23a0/Ana','I-1','Ana','Critical: Requests to web fail (shop). SH-001 is looking; Ana has it.','A plan waits for a decision: Restart (plan c033 b008).
See it whole, with its way back: handrail plan I-1','2026-05-04T12:09:00.000000+00:00','sent','');
INSERT INTO "messages" VALUES('over/I-1/Ana','I-1','Ana','Over: Requests to web fail (shop), after 6 min 27 s.','“Restart” helped and the checks held.','2026-05-04T12:09:27.000000+00:00','sent','');
INSERT INTO "messages" VALUES('plan/8b3d7df9de223d0814ef5c2500dfad018799ba523577952c7d68e1e5f9061139/Ana','I-5','Ana','Critical: Requests to stock fail (shop). SH-001 is looking; Ana has it.','A plan waits for a decision: Restart (plan 8b3d 7df9).
See it whole, with its way back: handrail plan I-5','2026-05-04T12:21:27.000000+00:00','waiting','');
CREATE TABLE plans (
	hash TEXT NOT NULL, 
	run TEXT NOT NULL, 
	incident TEXT NOT NULL, 
	remedy TEXT NOT NULL, 
	original INTEGER NOT NULL, 
	recommended INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	made_at TEXT NOT NULL, 
	expires_at TEXT NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (hash)
);
INSERT INTO "plans" VALUES('c033b008468f6a3bd9cb8556cf8072d7b4e754f7734a6359d5f76c0cd64e23a0','R-1','I-1','step-2',1,1,'done','1 of 1 commands made','2026-05-04T12:03:00.000000+00:00','2026-05-04T12:18:00.000000+00:00','{"because":"","binding_revision":"025f28eeaa6e7200271726eb0b009ce5f3365190aad347bc269d392571464573","commands":[{"as_written":"kubectl rollout restart deployment/web -n shop","because":"","command":"SH-001.2.1","depends_on_earlier":false,"identity":"change","preview":{"by":"preview","changes_nothing":false,"detail":"","refused":"","says":"1 object differs"},"sql":null,"stages":[["kubectl","rollout","restart","deployment/web","-n","shop"]],"target":"kubernetes","target_key":"shop/web","undo":{"says":"the revision before","stages":[["kubectl","rollout","undo","deployment/web","-n","shop"]]}}],"document_revision":"6b9ad7698b434a1ec679c2999f7ab49f456d049b4a47d92165bc44eae5db9e18","environment":"shop","evidence":["b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea"],"expires_at":"2026-05-04T12:18:00+00:00","guards":[{"kind":"generation","says":"web is unchanged","subject":"deployment/web","value":"1"},{"kind":"alert","says":"ShopFails fires","subject":"0000000000000001","value":"firing"}],"healed_when":"errors under 1 % for 15 s","incident":"I-1","left_out":[],"made_at":"2026-05-04T12:03:00+00:00","original":true,"reach":{"counts":{"pods":2},"says":"2 pods restart"},"remedy":"step-2","run":"R-1","runbook":"SH-001","title":"Restart","values":{"pod-name":"web-0"}}');
INSERT INTO "plans" VALUES('b5bfccc8d0639383f1298b424f22d5862923c7b545da4752b9e86fd43d6f668b','R-2','I-2','step-2',1,1,'done','1 of 1 commands made','2026-05-04T12:12:27.000000+00:00','2026-05-04T12:27:27.000000+00:00','{"because":"","binding_revision":"025f28eeaa6e7200271726eb0b009ce5f3365190aad347bc269d392571464573","commands":[{"as_written":"kubectl rollout restart deployment/web -n shop","because":"","command":"SH-001.2.1","depends_on_earlier":false,"identity":"change","preview":{"by":"preview","changes_nothing":false,"detail":"","refused":"","says":"1 object differs"},"sql":null,"stages":[["kubectl","rollout","restart","deployment/web","-n","shop"]],"target":"kubernetes","target_key":"shop/cart","undo":{"says":"the revision before","stages":[["kubectl","rollout","undo","deployment/web","-n","shop"]]}}],"document_revision":"6b9ad7698b434a1ec679c2999f7ab49f456d049b4a47d92165bc44eae5db9e18","environment":"shop","evidence":["b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea"],"expires_at":"2026-05-04T12:27:27+00:00","guards":[{"kind":"generation","says":"web is unchanged","subject":"deployment/web","value":"2"},{"kind":"alert","says":"ShopFails fires","subject":"0000000000000002","value":"firing"}],"healed_when":"errors under 1 % for 15 s","incident":"I-2","left_out":[],"made_at":"2026-05-04T12:12:27+00:00","original":true,"reach":{"counts":{"pods":2},"says":"2 pods restart"},"remedy":"step-2","run":"R-2","runbook":"SH-001","title":"Restart","values":{"pod-name":"cart-0"}}');
INSERT INTO "plans" VALUES('d757735a01b090d12384c9e68dcb0bafbe0e8242225477ea171e8f576788da1d','R-3','I-3','step-2',1,1,'running','','2026-05-04T12:15:27.000000+00:00','2026-05-04T12:30:27.000000+00:00','{"because":"","binding_revision":"025f28eeaa6e7200271726eb0b009ce5f3365190aad347bc269d392571464573","commands":[{"as_written":"kubectl rollout restart deployment/web -n shop","because":"","command":"SH-001.2.1","depends_on_earlier":false,"identity":"change","preview":{"by":"preview","changes_nothing":false,"detail":"","refused":"","says":"1 object differs"},"sql":null,"stages":[["kubectl","rollout","restart","deployment/web","-n","shop"]],"target":"kubernetes","target_key":"shop/search","undo":{"says":"the revision before","stages":[["kubectl","rollout","undo","deployment/web","-n","shop"]]}}],"document_revision":"6b9ad7698b434a1ec679c2999f7ab49f456d049b4a47d92165bc44eae5db9e18","environment":"shop","evidence":["b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea"],"expires_at":"2026-05-04T12:30:27+00:00","guards":[{"kind":"generation","says":"web is unchanged","subject":"deployment/web","value":"3"},{"kind":"alert","says":"ShopFails fires","subject":"0000000000000003","value":"firing"}],"healed_when":"errors under 1 % for 15 s","incident":"I-3","left_out":[],"made_at":"2026-05-04T12:15:27+00:00","original":true,"reach":{"counts":{"pods":2},"says":"2 pods restart"},"remedy":"step-2","run":"R-3","runbook":"SH-001","title":"Restart","values":{"pod-name":"search-0"}}');
INSERT INTO "plans" VALUES('ccb2ad00474602ab450c3f539045067f9b6b271094e46f1306cce34bde6e7c3b','R-4','I-4','step-2',1,1,'waiting','','2026-05-04T12:18:27.000000+00:00','2026-05-04T12:33:27.000000+00:00','{"because":"","binding_revision":"025f28eeaa6e7200271726eb0b009ce5f3365190aad347bc269d392571464573","commands":[{"as_written":"kubectl rollout restart deployment/web -n shop","because":"","command":"SH-001.2.1","depends_on_earlier":false,"identity":"change","preview":{"by":"preview","changes_nothing":false,"detail":"","refused":"","says":"1 object differs"},"sql":null,"stages":[["kubectl","rollout","restart","deployment/web","-n","shop"]],"target":"kubernetes","target_key":"shop/mail","undo":{"says":"the revision before","stages":[["kubectl","rollout","undo","deployment/web","-n","shop"]]}}],"document_revision":"6b9ad7698b434a1ec679c2999f7ab49f456d049b4a47d92165bc44eae5db9e18","environment":"shop","evidence":["b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea"],"expires_at":"2026-05-04T12:33:27+00:00","guards":[{"kind":"generation","says":"web is unchanged","subject":"deployment/web","value":"4"},{"kind":"alert","says":"ShopFails fires","subject":"0000000000000004","value":"firing"}],"healed_when":"errors under 1 % for 15 s","incident":"I-4","left_out":[],"made_at":"2026-05-04T12:18:27+00:00","original":true,"reach":{"counts":{"pods":2},"says":"2 pods restart"},"remedy":"step-2","run":"R-4","runbook":"SH-001","title":"Restart","values":{"pod-name":"mail-0"}}');
INSERT INTO "plans" VALUES('8b3d7df9de223d0814ef5c2500dfad018799ba523577952c7d68e1e5f9061139','R-5','I-5','step-2',1,1,'waiting','','2026-05-04T12:21:27.000000+00:00','2026-05-04T12:36:27.000000+00:00','{"because":"","binding_revision":"025f28eeaa6e7200271726eb0b009ce5f3365190aad347bc269d392571464573","commands":[{"as_written":"kubectl rollout restart deployment/web -n shop","because":"","command":"SH-001.2.1","depends_on_earlier":false,"identity":"change","preview":{"by":"preview","changes_nothing":false,"detail":"","refused":"","says":"1 object differs"},"sql":null,"stages":[["kubectl","rollout","restart","deployment/web","-n","shop"]],"target":"kubernetes","target_key":"shop/stock","undo":{"says":"the revision before","stages":[["kubectl","rollout","undo","deployment/web","-n","shop"]]}}],"document_revision":"6b9ad7698b434a1ec679c2999f7ab49f456d049b4a47d92165bc44eae5db9e18","environment":"shop","evidence":["b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea","b1b1c3a142af3aee824f692ddcea26568d4004da29fb3422475d42d3b87e2cea"],"expires_at":"2026-05-04T12:36:27+00:00","guards":[{"kind":"generation","says":"web is unchanged","subject":"deployment/web","value":"4"},{"kind":"alert","says":"ShopFails fires","subject":"0000000000000005","value":"firing"}],"healed_when":"errors under 1 % for 15 s","incident":"I-5","left_out":[],"made_at":"2026-05-04T12:21:27+00:00","original":true,"reach":{"counts":{"pods":2},"says":"2 pods restart"},"remedy":"step-2","run":"R-5","runbook":"SH-001","title":"Restart","values":{"pod-name":"stock-0"}}');
CREATE TABLE posts (
	id INTEGER NOT NULL, 
	source TEXT NOT NULL, 
	received_at TEXT NOT NULL, 
	body TEXT NOT NULL, 
	state TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "posts" VALUES(1,'shop','2026-05-04T12:21:27.000000+00:00','{"version": "4", "status": "firing", "receiver": "handrail", "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://am.example", "groupKey": "{}:{}", "alerts": [{"status": "firing", "labels": {"alertname": "ShopFails", "service": "web"}, "annotations": {"summary": "from the post"}, "startsAt": "2026-05-04T12:30:00Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "", "fingerprint": "0000000000000001"}]}','done');
INSERT INTO "posts" VALUES(2,'shop','2026-05-04T12:21:27.000000+00:00','{"version": "4", "status": "firing", "receiver": "handrail", "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://am.example", "groupKey": "{}:{}", "alerts": [{"status": "firing", "labels": {"alertname": "ShopFails", "service": "late", "severity": "critical"}, "annotations": {"summary": "from the post"}, "startsAt": "2026-05-04T12:30:00Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "", "fingerprint": "0000000000000385"}, {"status": "firing", "labels": {"alertname": "Second"}, "annotations": {"summary": "from the post"}, "startsAt": "2026-05-04T12:30:00Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "", "fingerprint": "0000000000000386"}]}','new');
INSERT INTO "posts" VALUES(3,'shop','2026-05-04T12:21:27.000000+00:00','{"version": "4", "status": "firing", "receiver": "handrail", "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://am.example", "groupKey": "{}:{}", "alerts": [{"status": "firing", "labels": {"alertname": "ShopFails", "service": "web", "pod": "web-0", "severity": "critical"}, "annotations": {"summary": "from the post"}, "startsAt": "2026-05-04T12:30:00Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "", "fingerprint": "0000000000000001"}]}','new');
INSERT INTO "posts" VALUES(4,'shop','2026-05-04T12:21:27.000000+00:00','{"alerts": "none"}','stuck');
CREATE TABLE remedies (
	run TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	title TEXT NOT NULL, 
	step INTEGER NOT NULL, 
	standing TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	"plan" TEXT NOT NULL, 
	PRIMARY KEY (run, position)
);
INSERT INTO "remedies" VALUES('R-1',0,'step-2','Restart',2,'healed','','c033b008468f6a3bd9cb8556cf8072d7b4e754f7734a6359d5f76c0cd64e23a0');
INSERT INTO "remedies" VALUES('R-1',1,'step-3','Scale',3,'not needed','','');
INSERT INTO "remedies" VALUES('R-2',0,'step-2','Restart',2,'made','','b5bfccc8d0639383f1298b424f22d5862923c7b545da4752b9e86fd43d6f668b');
INSERT INTO "remedies" VALUES('R-2',1,'step-3','Scale',3,'not tried','','');
INSERT INTO "remedies" VALUES('R-3',0,'step-2','Restart',2,'changing','','d757735a01b090d12384c9e68dcb0bafbe0e8242225477ea171e8f576788da1d');
INSERT INTO "remedies" VALUES('R-3',1,'step-3','Scale',3,'not tried','','');
INSERT INTO "remedies" VALUES('R-4',0,'step-2','Restart',2,'proposed','','ccb2ad00474602ab450c3f539045067f9b6b271094e46f1306cce34bde6e7c3b');
INSERT INTO "remedies" VALUES('R-4',1,'step-3','Scale',3,'not tried','','');
INSERT INTO "remedies" VALUES('R-5',0,'step-2','Restart',2,'proposed','','8b3d7df9de223d0814ef5c2500dfad018799ba523577952c7d68e1e5f9061139');
INSERT INTO "remedies" VALUES('R-5',1,'step-3','Scale',3,'not tried','','');
CREATE TABLE runs (
	number INTEGER NOT NULL, 
	incident TEXT NOT NULL, 
	runbook TEXT NOT NULL, 
	document TEXT NOT NULL, 
	document_revision TEXT NOT NULL, 
	binding_revision TEXT NOT NULL, 
	document_text TEXT NOT NULL, 
	mode TEXT NOT NULL, 
	confirmed INTEGER NOT NULL, 
	chosen_because TEXT NOT NULL, 
	values_ TEXT NOT NULL, 
	segment INTEGER NOT NULL, 
	started_at TEXT NOT NULL, 
	stopped_by TEXT, 
	ending TEXT, 
	ended_at TEXT, 
	reason TEXT NOT NULL, 
	changed_at TEXT, 
	verifying TEXT NOT NULL, 
	verify_since TEXT, 
	verified_since TEXT, 
	verified_at TEXT, 
	waits_for TEXT NOT NULL, 
	handed_over_at TEXT, 
	answers INTEGER, 
	PRIMARY KEY (number)
);
INSERT INTO "runs" VALUES(1,'I-1','SH-001','shop.md','6b9ad7698b434a1ec679c2999f7ab49f456d049b4a47d92165bc44eae5db9e18','025f28eeaa6e7200271726eb0b009ce5f3365190aad347bc269d392571464573','# Shop

### SH-001: Requests to the shop fail

**Severity**: High
**Time to Resolve**: 10-20 minutes

1. **Look**
   ```bash
   kubectl get pods -n shop
   kubectl describe pod <pod-name> -n shop
   ```

2. **Restart**
   ```bash
   kubectl rollout restart deployment/web -n shop
   ```

3. **Scale**
   ```bash
   kubectl scale deployment/web --replicas=4 -n shop
   ```

4. **See**
   ```bash
   kubectl get deployment web -n shop
   ```
','proposes',1,'SH-001 is bound to ShopFails.','{"pod-name": "web-0"}',0,'2026-05-04T12:03:00.000000+00:00',NULL,'healed','2026-05-04T12:09:27.000000+00:00','“Restart” helped and the checks held','2026-05-04T12:09:00.000000+00:00','','2026-05-04T12:09:00.000000+00:00','2026-05-04T12:09:12.000000+00:00','2026-05-04T12:09:27.000000+00:00','',NULL,NULL);
INSERT INTO "runs" VALUES(2,'I-2','SH-001','shop.md','6b9ad7698b434a1ec679c2999f7ab49f456d049b4a47d92165bc44eae5db9e18','025f28eeaa6e7200271726eb0b009ce5f3365190aad347bc269d392571464573','# Shop

### SH-001: Requests to the shop fail

**Severity**: High
**Time to Resolve**: 10-20 minutes

1. **Look**
   ```bash
   kubectl get pods -n shop
   kubectl describe pod <pod-name> -n shop
   ```

2. **Restart**
   ```bash
   kubectl rollout restart deployment/web -n shop
   ```

3. **Scale**
   ```bash
   kubectl scale deployment/web --replicas=4 -n shop
   ```

4. **See**
   ```bash
   kubectl get deployment web -n shop
   ```
','proposes',1,'SH-001 is bound to ShopFails.','{"pod-name": "cart-0"}',0,'2026-05-04T12:12:27.000000+00:00','Ana','stopped','2026-05-04T12:12:27.000000+00:00','stopped by Ana','2026-05-04T12:12:27.000000+00:00','step-2','2026-05-04T12:12:27.000000+00:00',NULL,NULL,'',NULL,NULL);
INSERT INTO "runs" VALUES(3,'I-3','SH-001','shop.md','6b9ad7698b434a1ec679c2999f7ab49f456d049b4a47d92165bc44eae5db9e18','025f28eeaa6e7200271726eb0b009ce5f3365190aad347bc269d392571464573','# Shop

### SH-001: Requests to the shop fail

**Severity**: High
**Time to Resolve**: 10-20 minutes

1. **Look**
   ```bash
   kubectl get pods -n shop
   kubectl describe pod <pod-name> -n shop
   ```

2. **Restart**
   ```bash
   kubectl rollout restart deployment/web -n shop
   ```

3. **Scale**
   ```bash
   kubectl scale deployment/web --replicas=4 -n shop
   ```

4. **See**
   ```bash
   kubectl get deployment web -n shop
   ```
','proposes',1,'SH-001 is bound to ShopFails.','{"pod-name": "search-0"}',0,'2026-05-04T12:15:27.000000+00:00',NULL,NULL,NULL,'',NULL,'',NULL,NULL,NULL,'a plan waits for approval',NULL,NULL);
INSERT INTO "runs" VALUES(4,'I-4','SH-001','shop.md','6b9ad7698b434a1ec679c2999f7ab49f456d049b4a47d92165bc44eae5db9e18','025f28eeaa6e7200271726eb0b009ce5f3365190aad347bc269d392571464573','# Shop

### SH-001: Requests to the shop fail

**Severity**: High
**Time to Resolve**: 10-20 minutes

1. **Look**
   ```bash
   kubectl get pods -n shop
   kubectl describe pod <pod-name> -n shop
   ```

2. **Restart**
   ```bash
   kubectl rollout restart deployment/web -n shop
   ```

3. **Scale**
   ```bash
   kubectl scale deployment/web --replicas=4 -n shop
   ```

4. **See**
   ```bash
   kubectl get deployment web -n shop
   ```
','proposes',1,'SH-001 is bound to ShopFails.','{"pod-name": "mail-0"}',0,'2026-05-04T12:18:27.000000+00:00',NULL,NULL,NULL,'',NULL,'',NULL,NULL,NULL,'a plan waits for approval',NULL,NULL);
INSERT INTO "runs" VALUES(5,'I-5','SH-001','shop.md','6b9ad7698b434a1ec679c2999f7ab49f456d049b4a47d92165bc44eae5db9e18','025f28eeaa6e7200271726eb0b009ce5f3365190aad347bc269d392571464573','# Shop

### SH-001: Requests to the shop fail

**Severity**: High
**Time to Resolve**: 10-20 minutes

1. **Look**
   ```bash
   kubectl get pods -n shop
   kubectl describe pod <pod-name> -n shop
   ```

2. **Restart**
   ```bash
   kubectl rollout restart deployment/web -n shop
   ```

3. **Scale**
   ```bash
   kubectl scale deployment/web --replicas=4 -n shop
   ```

4. **See**
   ```bash
   kubectl get deployment web -n shop
   ```
','proposes',1,'SH-001 is bound to ShopFails.','{"pod-name": "stock-0"}',0,'2026-05-04T12:21:27.000000+00:00',NULL,NULL,NULL,'',NULL,'',NULL,NULL,NULL,'a plan waits for approval',NULL,NULL);
CREATE TABLE settings (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "settings" VALUES('worker','w-0123456789ab');
CREATE TABLE tasks (
	number INTEGER NOT NULL, 
	incident TEXT NOT NULL, 
	run TEXT NOT NULL, 
	place TEXT NOT NULL, 
	text TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	due_at TEXT, 
	done_at TEXT, 
	done_by TEXT, 
	note TEXT NOT NULL, 
	PRIMARY KEY (number), 
	UNIQUE (incident, run, place)
);
CREATE TABLE timers (
	id TEXT NOT NULL, 
	due_at TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	state TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "timers" VALUES('page/I-1/2','2026-05-04T12:08:00.000000+00:00','page','I-1','fired');
INSERT INTO "timers" VALUES('late/I-1/2','2026-05-04T12:13:00.000000+00:00','late','I-1','cancelled');
INSERT INTO "timers" VALUES('page/I-1/3','2026-05-04T12:13:00.000000+00:00','page','I-1','cancelled');
INSERT INTO "timers" VALUES('page/I-1/4','2026-05-04T12:18:00.000000+00:00','page','I-1','cancelled');
INSERT INTO "timers" VALUES('late/I-1/3','2026-05-04T12:23:00.000000+00:00','late','I-1','cancelled');
INSERT INTO "timers" VALUES('late/I-1/4','2026-05-04T12:33:00.000000+00:00','late','I-1','cancelled');
INSERT INTO "timers" VALUES('update/I-1/1','2026-05-04T12:18:00.000000+00:00','update','I-1','cancelled');
INSERT INTO "timers" VALUES('update/I-1/2','2026-05-04T12:18:00.000000+00:00','update','I-1','cancelled');
INSERT INTO "timers" VALUES('wake/R-1/2026-05-04T12:09:00+00:00','2026-05-04T12:09:00.000000+00:00','wake','R-1','armed');
INSERT INTO "timers" VALUES('update/I-1/3','2026-05-04T12:24:00.000000+00:00','update','I-1','cancelled');
INSERT INTO "timers" VALUES('page/I-2/2','2026-05-04T12:17:27.000000+00:00','page','I-2','cancelled');
INSERT INTO "timers" VALUES('late/I-2/2','2026-05-04T12:22:27.000000+00:00','late','I-2','armed');
INSERT INTO "timers" VALUES('page/I-2/3','2026-05-04T12:22:27.000000+00:00','page','I-2','cancelled');
INSERT INTO "timers" VALUES('page/I-2/4','2026-05-04T12:27:27.000000+00:00','page','I-2','cancelled');
INSERT INTO "timers" VALUES('late/I-2/3','2026-05-04T12:32:27.000000+00:00','late','I-2','armed');
INSERT INTO "timers" VALUES('late/I-2/4','2026-05-04T12:42:27.000000+00:00','late','I-2','armed');
INSERT INTO "timers" VALUES('update/I-2/1','2026-05-04T12:27:27.000000+00:00','update','I-2','cancelled');
INSERT INTO "timers" VALUES('update/I-2/2','2026-05-04T12:27:27.000000+00:00','update','I-2','cancelled');
INSERT INTO "timers" VALUES('wake/R-2/2026-05-04T12:12:27+00:00','2026-05-04T12:12:27.000000+00:00','wake','R-2','armed');
INSERT INTO "timers" VALUES('update/I-2/3','2026-05-04T12:27:27.000000+00:00','update','I-2','armed');
INSERT INTO "timers" VALUES('page/I-3/2','2026-05-04T12:20:27.000000+00:00','page','I-3','cancelled');
INSERT INTO "timers" VALUES('late/I-3/2','2026-05-04T12:25:27.000000+00:00','late','I-3','armed');
INSERT INTO "timers" VALUES('page/I-3/3','2026-05-04T12:25:27.000000+00:00','page','I-3','cancelled');
INSERT INTO "timers" VALUES('page/I-3/4','2026-05-04T12:30:27.000000+00:00','page','I-3','cancelled');
INSERT INTO "timers" VALUES('late/I-3/3','2026-05-04T12:35:27.000000+00:00','late','I-3','armed');
INSERT INTO "timers" VALUES('late/I-3/4','2026-05-04T12:45:27.000000+00:00','late','I-3','armed');
INSERT INTO "timers" VALUES('update/I-3/1','2026-05-04T12:30:27.000000+00:00','update','I-3','cancelled');
INSERT INTO "timers" VALUES('update/I-3/2','2026-05-04T12:30:27.000000+00:00','update','I-3','armed');
INSERT INTO "timers" VALUES('wake/R-3/2026-05-04T12:15:27+00:00','2026-05-04T12:15:27.000000+00:00','wake','R-3','armed');
INSERT INTO "timers" VALUES('page/I-4/2','2026-05-04T12:23:27.000000+00:00','page','I-4','armed');
INSERT INTO "timers" VALUES('late/I-4/2','2026-05-04T12:28:27.000000+00:00','late','I-4','armed');
INSERT INTO "timers" VALUES('page/I-4/3','2026-05-04T12:28:27.000000+00:00','page','I-4','armed');
INSERT INTO "timers" VALUES('page/I-4/4','2026-05-04T12:33:27.000000+00:00','page','I-4','armed');
INSERT INTO "timers" VALUES('late/I-4/3','2026-05-04T12:38:27.000000+00:00','late','I-4','armed');
INSERT INTO "timers" VALUES('late/I-4/4','2026-05-04T12:48:27.000000+00:00','late','I-4','armed');
INSERT INTO "timers" VALUES('update/I-4/1','2026-05-04T12:33:27.000000+00:00','update','I-4','cancelled');
INSERT INTO "timers" VALUES('update/I-4/2','2026-05-04T12:33:27.000000+00:00','update','I-4','armed');
INSERT INTO "timers" VALUES('page/I-5/2','2026-05-04T12:26:27.000000+00:00','page','I-5','cancelled');
INSERT INTO "timers" VALUES('late/I-5/2','2026-05-04T12:31:27.000000+00:00','late','I-5','armed');
INSERT INTO "timers" VALUES('page/I-5/3','2026-05-04T12:31:27.000000+00:00','page','I-5','cancelled');
INSERT INTO "timers" VALUES('page/I-5/4','2026-05-04T12:36:27.000000+00:00','page','I-5','cancelled');
INSERT INTO "timers" VALUES('late/I-5/3','2026-05-04T12:41:27.000000+00:00','late','I-5','armed');
INSERT INTO "timers" VALUES('late/I-5/4','2026-05-04T12:51:27.000000+00:00','late','I-5','armed');
INSERT INTO "timers" VALUES('update/I-5/1','2026-05-04T12:36:27.000000+00:00','update','I-5','cancelled');
INSERT INTO "timers" VALUES('update/I-5/2','2026-05-04T12:36:27.000000+00:00','update','I-5','armed');
INSERT INTO "timers" VALUES('wake/R-5/2026-05-04T12:21:27+00:00','2026-05-04T12:21:27.000000+00:00','wake','R-5','armed');
INSERT INTO "timers" VALUES('page/I-6/2','2026-05-04T12:26:27.000000+00:00','page','I-6','armed');
INSERT INTO "timers" VALUES('page/I-6/3','2026-05-04T12:31:27.000000+00:00','page','I-6','armed');
INSERT INTO "timers" VALUES('page/I-6/4','2026-05-04T12:36:27.000000+00:00','page','I-6','armed');
CREATE TABLE updates (
	number INTEGER NOT NULL, 
	incident TEXT NOT NULL, 
	at TEXT NOT NULL, 
	status TEXT NOT NULL, 
	text TEXT NOT NULL, 
	next_at TEXT, 
	PRIMARY KEY (number)
);
INSERT INTO "updates" VALUES(1,'I-1','2026-05-04T12:03:00.000000+00:00','investigating','Part of the service does not work as it should, since 12:03 UTC. We are looking for the cause. We expect it to be over by 12:23 UTC, going by what its runbook allows for. The next word comes by 12:18 UTC.','2026-05-04T12:18:00.000000+00:00');
INSERT INTO "updates" VALUES(2,'I-1','2026-05-04T12:03:00.000000+00:00','identified','Part of the service does not work as it should, since 12:03 UTC. We know what to do and are preparing it. We expect it to be over by 12:23 UTC, going by what its runbook allows for. The next word comes by 12:18 UTC.','2026-05-04T12:18:00.000000+00:00');
INSERT INTO "updates" VALUES(3,'I-1','2026-05-04T12:09:00.000000+00:00','monitoring','Part of the service does not work as it should, since 12:03 UTC. A correction was made and we are watching whether it helps. We expect it to be over by 12:23 UTC, going by what its runbook allows for. The next word comes by 12:24 UTC.','2026-05-04T12:24:00.000000+00:00');
INSERT INTO "updates" VALUES(4,'I-1','2026-05-04T12:09:27.000000+00:00','resolved','It works again. It began at 12:03 UTC.',NULL);
INSERT INTO "updates" VALUES(5,'I-2','2026-05-04T12:12:27.000000+00:00','investigating','Part of the service does not work as it should, since 12:12 UTC. We are looking for the cause. We expect it to be over by 12:32 UTC, going by what its runbook allows for. The next word comes by 12:27 UTC.','2026-05-04T12:27:27.000000+00:00');
INSERT INTO "updates" VALUES(6,'I-2','2026-05-04T12:12:27.000000+00:00','identified','Part of the service does not work as it should, since 12:12 UTC. We know what to do and are preparing it. We expect it to be over by 12:32 UTC, going by what its runbook allows for. The next word comes by 12:27 UTC.','2026-05-04T12:27:27.000000+00:00');
INSERT INTO "updates" VALUES(7,'I-2','2026-05-04T12:12:27.000000+00:00','monitoring','Part of the service does not work as it should, since 12:12 UTC. A correction was made and we are watching whether it helps. We expect it to be over by 12:32 UTC, going by what its runbook allows for. The next word comes by 12:27 UTC.','2026-05-04T12:27:27.000000+00:00');
INSERT INTO "updates" VALUES(8,'I-3','2026-05-04T12:15:27.000000+00:00','investigating','Part of the service does not work as it should, since 12:15 UTC. We are looking for the cause. We expect it to be over by 12:35 UTC, going by what its runbook allows for. The next word comes by 12:30 UTC.','2026-05-04T12:30:27.000000+00:00');
INSERT INTO "updates" VALUES(9,'I-3','2026-05-04T12:15:27.000000+00:00','identified','Part of the service does not work as it should, since 12:15 UTC. We know what to do and are preparing it. We expect it to be over by 12:35 UTC, going by what its runbook allows for. The next word comes by 12:30 UTC.','2026-05-04T12:30:27.000000+00:00');
INSERT INTO "updates" VALUES(10,'I-4','2026-05-04T12:18:27.000000+00:00','investigating','Part of the service does not work as it should, since 12:18 UTC. We are looking for the cause. We expect it to be over by 12:38 UTC, going by what its runbook allows for. The next word comes by 12:33 UTC.','2026-05-04T12:33:27.000000+00:00');
INSERT INTO "updates" VALUES(11,'I-4','2026-05-04T12:18:27.000000+00:00','identified','Part of the service does not work as it should, since 12:18 UTC. We know what to do and are preparing it. We expect it to be over by 12:38 UTC, going by what its runbook allows for. The next word comes by 12:33 UTC.','2026-05-04T12:33:27.000000+00:00');
INSERT INTO "updates" VALUES(12,'I-5','2026-05-04T12:21:27.000000+00:00','investigating','Part of the service does not work as it should, since 12:21 UTC. We are looking for the cause. We expect it to be over by 12:41 UTC, going by what its runbook allows for. The next word comes by 12:36 UTC.','2026-05-04T12:36:27.000000+00:00');
INSERT INTO "updates" VALUES(13,'I-5','2026-05-04T12:21:27.000000+00:00','identified','Part of the service does not work as it should, since 12:21 UTC. We know what to do and are preparing it. We expect it to be over by 12:41 UTC, going by what its runbook allows for. The next word comes by 12:36 UTC.','2026-05-04T12:36:27.000000+00:00');
CREATE INDEX ix_posts_state ON posts (state);
CREATE INDEX ix_alerts_incident ON alerts (incident);
CREATE INDEX ix_incidents_status ON incidents (status);
CREATE INDEX ix_runs_incident ON runs (incident);
CREATE INDEX ix_evidence_run ON evidence (run);
CREATE INDEX ix_plans_run ON plans (run);
CREATE INDEX ix_plans_state ON plans (state);
CREATE INDEX ix_plans_incident ON plans (incident);
CREATE INDEX ix_events_incident ON events (incident);
CREATE INDEX ix_timers_due_at ON timers (due_at);
CREATE INDEX ix_tasks_incident ON tasks (incident);
CREATE INDEX ix_messages_incident ON messages (incident);
CREATE INDEX ix_messages_state ON messages (state);
CREATE INDEX ix_updates_incident ON updates (incident);
CREATE INDEX ix_drills_runbook ON drills (runbook);
COMMIT;
