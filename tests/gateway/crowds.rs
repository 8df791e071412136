//! Many connections at once, and the end of the gateway.

mod processes {
    use action_llama::scheduler::RunState;
    use serde_json::json;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpStream;
    use tokio::task::JoinSet;

    use crate::client;
    use crate::world::{SECRET, World, github_headers, issue, sign};

    async fn hang(world: &World, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(world.addr).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn deliveries_and_runs_get_through_four_hundred_slow_connections() {
        let world = World::new().await;
        let mut slow = Vec::new();
        for _ in 0..200 {
            slow.push(hang(&world, "POST /webhooks/github HTTP/1.1\r\nHost: a").await);
            let body =
                "POST /webhooks/github HTTP/1.1\r\nHost: al\r\nContent-Length: 5000\r\n\r\n{";
            slow.push(hang(&world, body).await);
        }
        for n in 0..20 {
            let answer = world.deliver(&format!("d-{n}"), &issue()).await;
            assert_eq!((answer.status, &answer.body["matched"]), (200, &json!(1)), "{answer:?}");
        }
        assert_eq!(world.send("GET", "/health", &[], b"").await.status, 200);
        let run = world.running("partner").await;
        let said = world.signal("/signals/status", &run, json!({"text": "here"})).await;
        assert_eq!(said.status, 200);
        assert_eq!(slow.len(), 400);
    }

    /// Their memory is what is bounded; small deliveries do not wait for them.
    #[tokio::test(flavor = "multi_thread")]
    async fn many_large_bodies_that_never_end_do_not_stop_small_ones() {
        let world = World::new().await;
        let head = "POST /webhooks/github HTTP/1.1\r\nHost: al\r\nContent-Length: 9000000\r\n\r\n";
        let part = format!("{head}{}", "x".repeat(300 * 1024));
        let mut slow = JoinSet::new();
        for _ in 0..30 {
            let (addr, part) = (world.addr, part.clone());
            slow.spawn(async move {
                let mut stream = TcpStream::connect(addr).await.unwrap();
                stream.write_all(part.as_bytes()).await.unwrap();
                client::read(&mut stream).await
            });
        }
        let answer = world.deliver("d-1", &issue()).await;
        assert_eq!(answer.status, 200);
        // No more than eight can be under way: the others are told to come back.
        let turned_away = slow.join_next().await.unwrap().unwrap();
        assert_eq!(turned_away.both(), (503, json!({"error": "too many large requests at once"})));
        // The others still hold all the turns of deliveries; orders and signals have their own.
        let prompt = json!({"prompt": "x".repeat(200 * 1024)}).to_string();
        let started = world.control("POST", "trigger/partner", &prompt).await;
        assert_eq!(started.status, 200, "{started:?}");
        let run = started.body["instanceId"].as_str().unwrap();
        world.until(run, |run| run.state == RunState::Running).await;
        let value = json!({"value": "x".repeat(200 * 1024)});
        assert_eq!(world.signal("/signals/return", run, value).await.status, 200);
        // One that was turned away could have left room: there is none.
        let large = vec![b' '; 300 * 1024];
        assert_eq!(world.deliver("d-2", &large).await.status, 503);
    }

    /// Both ends of a delivery may be slow; what was begun is finished.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_delivery_in_flight_is_taken_while_the_gateway_ends() {
        let mut world = World::new().await;
        let body = issue();
        let signature = sign(SECRET, &body);
        let request =
            client::request("POST", "/webhooks/github", &github_headers("d-1", &signature), &body);
        let (sent, rest) = request.split_at(request.len() - 20);
        let mut slow = hang(&world, std::str::from_utf8(sent).unwrap()).await;
        // Answered after the slow one was accepted: it is in flight now.
        assert_eq!(world.send("GET", "/health", &[], b"").await.status, 200);
        world.stop.send_replace(true);
        while TcpStream::connect(world.addr).await.is_ok() {
            tokio::task::yield_now().await;
        }
        slow.write_all(rest).await.unwrap();
        let answer = client::read(&mut slow).await;
        assert_eq!((answer.status, &answer.body["matched"]), (200, &json!(1)), "{answer:?}");
        (&mut world.gateway).await.unwrap();
        assert_eq!(world.receipts(), 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_gateway_ends_though_connections_hang() {
        let mut world = World::new().await;
        let _slow = hang(&world, "POST /webhooks/github HTTP/1.1\r\n").await;
        let _body =
            hang(&world, "POST /webhooks/github HTTP/1.1\r\nContent-Length: 9\r\n\r\n").await;
        let _idle = TcpStream::connect(world.addr).await.unwrap();
        assert_eq!(world.send("GET", "/health", &[], b"").await.status, 200);
        world.stop.send_replace(true);
        (&mut world.gateway).await.unwrap();
        let refused = TcpStream::connect(world.addr).await.map(drop);
        assert_eq!(
            refused.unwrap_err().kind(),
            std::io::ErrorKind::ConnectionRefused,
            "the port is free again"
        );
    }
}
