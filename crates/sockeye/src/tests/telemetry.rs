//! What is passed on to `tracing` and `metrics`.

#[cfg(feature = "metrics")]
mod metrics {
    use crate::tests::{B4, at, connection, two_stacks};
    use metrics_util::debugging::{DebugValue, DebuggingRecorder};
    use std::collections::HashMap;
    use std::time::Duration;
    use tokio::time::sleep;

    fn fields(debug: &str) -> Vec<String> {
        let words = debug.split([' ', ',', '{', '}']);
        words.filter_map(|word| word.strip_suffix(':')).map(str::to_owned).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn connections_are_counted_and_the_hosts_figures_published() {
        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        let _installed = ::metrics::set_default_local_recorder(&recorder);
        let (a, b) = two_stacks();
        let (client, server) = connection(&a, &b).await;
        drop((client, server));
        let (client, _server) = connection(&a, &b).await;
        client.abort();
        a.connect(at(B4, 9)).await.unwrap_err();
        sleep(Duration::from_secs(300)).await;
        a.publish_metrics();

        let snapshot: HashMap<_, _> = snapshotter
            .snapshot()
            .into_vec()
            .into_iter()
            .map(|(key, _, _, value)| {
                let labels: Vec<_> = key.key().labels().map(|label| label.value()).collect();
                (format!("{}{}", key.key().name(), labels.concat()), value)
            })
            .collect();
        let counter = |name: &str| match snapshot.get(name) {
            Some(DebugValue::Counter(value)) => *value,
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(counter("sockeye_connections_opened_totalactive"), 2);
        assert_eq!(counter("sockeye_connections_opened_totalpassive"), 2);
        assert_eq!(counter("sockeye_connections_closed_totalactive"), 1);
        assert_eq!(counter("sockeye_connections_closed_totalpassive"), 1);
        assert_eq!(counter("sockeye_connections_aborted_totalactive"), 1);
        assert_eq!(counter("sockeye_connections_failed_totalactive"), 1);
        assert_eq!(counter("sockeye_received_total"), a.counters().received);
        // None of the host's figures is left out.
        for field in fields(&format!("{:?}", a.counters())) {
            assert!(snapshot.contains_key(&format!("sockeye_{field}_total")), "{field}");
        }
        for field in fields(&format!("{:?}", a.counts())) {
            assert!(snapshot.contains_key(&format!("sockeye_{field}")), "{field}");
        }
    }
}

#[cfg(feature = "tracing")]
mod tracing {
    use crate::TcpSocket;
    use crate::tests::{B4, at, connection, two_stacks};
    use ::tracing::field::{Field, Visit};
    use ::tracing::span::{Attributes, Id, Record};
    use ::tracing::{Event, Metadata, Subscriber};
    use std::fmt::{Debug, Write};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;
    use tokio::time::sleep;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<String>>>);

    struct Line(String);

    impl Visit for Line {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            write!(self.0, "{}={value:?} ", field.name()).unwrap();
        }
    }

    impl Subscriber for Lines {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.target() == "sockeye"
        }

        fn new_span(&self, _span: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _span: &Id, _values: &Record<'_>) {}

        fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

        fn event(&self, event: &Event<'_>) {
            let mut line = Line(String::new());
            event.record(&mut line);
            self.0.lock().unwrap().push(line.0);
        }

        fn enter(&self, _span: &Id) {}

        fn exit(&self, _span: &Id) {}
    }

    #[tokio::test(start_paused = true)]
    async fn connections_open_close_and_fail_with_addresses_and_cause() {
        let lines = Lines::default();
        let _installed = ::tracing::subscriber::set_default(lines.clone());
        let (a, b) = two_stacks();
        let (client, server) = connection(&a, &b).await;
        let local = format!("local={}", client.local_addr().unwrap());
        drop((client, server));
        let (client, _server) = connection(&a, &b).await;
        client.abort();
        a.connect(at(B4, 9)).await.unwrap_err();
        let socket = TcpSocket::new(&b);
        socket.bind(at(B4, 80)).unwrap();
        let _listener = socket.listen(1).unwrap();
        let _waiting = a.connect(at(B4, 80)).await.unwrap();
        sleep(Duration::from_millis(1)).await;

        let lines = lines.0.lock().unwrap().clone();
        let count = |parts: &[&str]| {
            lines.iter().filter(|line| parts.iter().all(|part| line.contains(part))).count()
        };
        assert_eq!(
            count(&["message=connection opened", &local, "is_passive=false"]),
            1,
            "{lines:?}"
        );
        assert_eq!(count(&["connection opened", "remote=10.0.0.1:", "is_passive=true"]), 3);
        assert_eq!(count(&["connection closed", &local, "is_passive=false"]), 1);
        assert_eq!(count(&["connection closed", "error=connection aborted"]), 1);
        assert_eq!(count(&["connection closed", "error=connection reset by peer"]), 1);
        assert_eq!(count(&["connection failed", "remote=10.0.0.2:9", "refused"]), 1);
        assert_eq!(count(&["listener full", "listener=10.0.0.2:80"]), 1);
    }
}
