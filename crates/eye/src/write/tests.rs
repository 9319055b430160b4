//! What people and programs get to read.

use super::{Ladder, json_line, table};
use crate::config::Vantage;
use crate::testing::{Client, Server, Talk};

fn talk_and_ladder() -> (Talk, String) {
    let mut talk = Talk::new(Vantage::Path);
    let mut ladder = Ladder::new(1);
    let mut out = Vec::new();
    for (from, flags, seq, ack, len) in [
        (Client, "S", 0, 0, 0),
        (Server, "S.", 0, 1, 0),
        (Client, ".", 1, 1, 0),
        (Client, "P.", 1, 1, 100),
        (Client, "P.", 1, 1, 100),
        (Server, "F.", 1, 101, 0),
        (Client, "F.", 101, 2, 0),
        (Server, ".", 2, 102, 0),
    ] {
        let seen = talk.wait(10).say(from, flags, seq, ack, len);
        ladder.observe(&mut out, &seen).unwrap();
    }
    (talk, String::from_utf8(out).unwrap())
}

#[test]
fn the_ladder_tells_the_story() {
    let (_, text) = talk_and_ladder();
    let expected = "     time s  client               flags; numbers counted from the SYN                   server        packet
   0.000000  SYN-SENT     ──────▶ [SYN] seq=0 len=0 win=10000                           -             #1
   0.011000  SYN-SENT     ◀────── [SYN,ACK] seq=0 ack=1 len=0 win=10000                 SYN-RECEIVED  #2  ack = seq + 1 ✓
   0.022000  ESTABLISHED  ──────▶ [ACK] seq=1 ack=1 len=0 win=10000                     ESTABLISHED   #3  ack = seq + 1 ✓, seq follows ✓
   0.033000  ESTABLISHED  ──────▶ [PSH,ACK] seq=1 ack=1 len=100 win=10000               ESTABLISHED   #4
   0.044000  ESTABLISHED  ──────▶ [PSH,ACK] seq=1 ack=1 len=100 win=10000               ESTABLISHED   #5  retransmission
   0.055000  ESTABLISHED  ◀────── [FIN,ACK] seq=1 ack=101 len=0 win=10000               FIN-WAIT-1    #6  closes
   0.066000  LAST-ACK     ──────▶ [FIN,ACK] seq=101 ack=2 len=0 win=10000               FIN-WAIT-2    #7  closes; FIN acknowledged ✓
   0.077000  CLOSED       ◀────── [ACK] seq=2 ack=102 len=0 win=10000                   TIME-WAIT     #8  FIN acknowledged ✓
";
    assert_eq!(text, expected);
}

#[test]
fn other_connections_are_no_rungs() {
    let mut talk = Talk::new(Vantage::Path);
    let seen = talk.say(Client, "S", 0, 0, 0);
    let mut ladder = Ladder::new(2);
    let mut out = Vec::new();
    ladder.observe(&mut out, &seen).unwrap();
    assert!(out.is_empty() && !ladder.begun());
}

#[test]
fn the_table_lines_up() {
    let (talk, _) = talk_and_ladder();
    let mut out = Vec::new();
    table(&mut out, &[talk.report()]).unwrap();
    let expected = "\
id  client          server       handshake    rtt ms  → bytes  ← bytes  retr  close          findings
 1  10.0.0.1:40000  10.0.0.2:80  established  22.000      100        0     1  fin by server
";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn json_is_one_line_of_the_contract() {
    let (talk, _) = talk_and_ladder();
    let mut out = Vec::new();
    json_line(&mut out, &talk.report()).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.matches('\n').count(), 1);
    let expected = concat!(
        r#"{"id":1,"client":{"addr":"10.0.0.1","port":40000},"server":{"addr":"10.0.0.2","port":80},"#,
        r#""first":"1970-01-01T00:00:01.011000000Z","last":"1970-01-01T00:00:01.088000000Z","#,
        r#""duration_s":0.077,"handshake":{"outcome":"established","#,
        r#""syn":{"packet":1,"seq":1000,"ack":null},"syn_ack":{"packet":2,"seq":5000,"ack":1001},"#,
        r#""ack":{"packet":3,"seq":1001,"ack":5001},"checks":{"syn_ack_acks_syn":true,"#,
        r#""ack_flag_set":true,"ack_acks_syn_ack":true,"seq_follows":true},"rtt_s":0.022,"#,
        r#""rtt_to_server_s":0.011,"rtt_to_client_s":0.011},"#,
        r#""state":{"client":"CLOSED","server":"TIME-WAIT"},"close":{"how":"fin","by":"server","#,
        r#""packet":6,"time_wait":"server"},"to_server":{"packets":5,"wire_bytes":404,"#,
        r#""payload_bytes":200,"unique_bytes":100,"retransmitted":{"packets":1,"bytes":100},"#,
        r#""psh":2},"to_client":{"packets":3,"wire_bytes":124,"payload_bytes":0,"#,
        r#""unique_bytes":0},"findings":[]}"#,
    );
    assert_eq!(text.trim_end(), expected);
}
