//! Whatever a script does, the parent survives, others are not delayed, and the failure names the rule.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use fieldbridge::mapping::{
    Evaluate, Evaluation, Evaluator, Limits, Mapping, Required, WorkerProgram,
};
use fieldbridge::model::{Category, Direction};

fn patient() -> Limits {
    Limits {
        deadline: Duration::from_secs(20),
        preparation: Duration::from_secs(20),
        ..Limits::default()
    }
}

fn evaluator(limits: Limits) -> Evaluator {
    Evaluator::new(limits, WorkerProgram::at(env!("CARGO_BIN_EXE_fieldbridge")))
}

fn rule(target: &str, script: &str) -> String {
    // A JSON text without odd characters is a TOML text too.
    let script = json!(script);
    format!("[[inbound]]\naction = \"custom\"\ntarget = \"{target}\"\nscript = {script}\n")
}

async fn run(evaluator: &Evaluator, text: &str, input: &Value) -> Evaluation {
    let mapping = Mapping::parse(text, "m.toml", None).expect("the mapping is read");
    let request = Evaluate {
        direction: Direction::Inbound,
        event: None,
        input,
        target: None,
        require: Required::None,
    };
    evaluator.evaluate(&mapping, request).await
}

const ENDLESS: &str = "std.foldl(function(a, b) a + b, std.range(1, 1e9), 0)";

/// Scripts, and a part of what is said of each.
const HOSTILE: [(&str, &str); 50] = [
    // Recursion and circles.
    ("local f(x) = f(x + 1); f(0)", "too deeply"),
    ("local f(x) = f(x + 1) tailstrict; f(0)", "too deeply"),
    ("local a = [a]; a", ""),
    ("{ a: self.b, b: self.a }", "defined by itself"),
    ("local a = b, b = a; a", "defined by itself"),
    ("$.result", "defined by itself"),
    ("local o = { a: o }; std.manifestJson(o)", "too deeply"),
    ("local o = { a: o }; std.toString(o)", "too deeply"),
    (
        "std.foldl(function(a, b) { x: a }, std.range(1, 150), 1)",
        "more than 100 deep",
    ),
    (
        "std.foldl(function(a, b) [a], std.range(1, 150), 1)",
        "more than 100 deep",
    ),
    // Work without end.
    (ENDLESS, "ran for more than 400 ms"),
    (
        "local fib(n) = if n < 2 then n else fib(n - 1) + fib(n - 2); fib(40)",
        "ran for more than 400 ms",
    ),
    (
        "std.length([1 for a in std.range(1, 100000) for b in std.range(1, 100000)])",
        "was stopped",
    ),
    (
        "std.count(std.map(function(x) x % 7, std.range(1, 1e9)), 3)",
        "was stopped",
    ),
    (
        "std.md5(std.foldl(function(s, i) std.md5(s), std.range(1, 1e8), 'x'))",
        "was stopped",
    ),
    ("std.sort(std.range(1, 1e9))", "was stopped"),
    // Memory.
    ("std.repeat('x', 1e10)", "out of bounds"),
    ("std.range(1, 1e9)", "more than 200000 values"),
    ("[x for x in std.range(1, 1e9)]", ""),
    ("std.makeArray(1e9, function(i) i)[5]", ""),
    ("{ ['' + x]: x for x in std.range(1, 1e8) }", ""),
    ("{ ['f' + x]: x for x in std.range(1, 300000) }", ""),
    ("std.foldl(function(s, i) s + s, std.range(1, 60), 'x')", ""),
    (
        "std.foldl(function(a, b) [a], std.range(1, 100000), 1)",
        "deep",
    ),
    ("std.foldl(function(a, b) a + a, std.range(1, 40), [1])", ""),
    (
        "std.strReplace(std.repeat('a', 1e6), 'a', std.repeat('b', 1e6))",
        "was stopped",
    ),
    (
        "std.length(std.split(std.repeat('a,', 2e8), ','))",
        "was stopped",
    ),
    (
        "std.join(std.repeat('x', 1e6), std.map(std.toString, std.range(1, 1e6)))",
        "was stopped",
    ),
    ("std.repeat('x', 9e6)", "more than 8 MiB of text"),
    (
        "[std.repeat('x', 1e5) for i in std.range(1, 1000)]",
        "more than 8 MiB of text",
    ),
    // Words.
    ("error std.repeat('x', 3e6)", "xxx"),
    ("assert false : std.repeat('y', 3e6); 1", "yyy"),
    ("{ a: error 'no' }", "no"),
    (
        "std.trace(std.repeat('x', 5e6), 1)",
        "too much with std.trace",
    ),
    (
        "std.foldl(function(a, b) std.trace(std.repeat('x', 1000), a), std.range(1, 100000), 1)",
        "too much with std.trace",
    ),
    // Numbers that are none.
    ("1 / 0", "divide"),
    ("1e308 * 10", ""),
    ("std.pow(10, 400)", ""),
    ("std.log(-1)", ""),
    ("std.sqrt(-1)", ""),
    (
        "std.parseInt(std.repeat('9', 300) + 'x')",
        "is not a base 10 integer",
    ),
    // Parsers.
    ("std.parseJson(std.repeat('[', 100000))", ""),
    ("std.parseYaml(std.repeat('[', 100000))", ""),
    (
        "std.parseYaml('a: &a [x, x]\n' + std.join('\n', ['%s: &%s [*%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s, *%s]' % ([std.char(98 + i), std.char(98 + i)] + [std.char(97 + i) for j in std.range(1, 9)]) for i in std.range(0, 20)]))",
        "",
    ),
    (
        "std.regexFullMatch('(((a{1,999}){1,999}){1,999})', 'a')",
        "",
    ),
    (
        "std.native('date_convert')('2025', std.repeat('Y', 1e7), 'X', 'UTC', 'UTC')",
        "",
    ),
    (
        "std.native('date_convert')(std.repeat('1', 1e6), 'Q', 'X', 'UTC', 'UTC')",
        "no token",
    ),
    (
        "std.native('date_add_day')(function(x) x, '')",
        "is a function",
    ),
    ("std.native('system')('id')", ""),
    ("function(x) x", "is a function"),
];

/// What this process holds, in MiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let size = line.unwrap().trim().trim_end_matches(" kB");
    size.parse::<u64>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_script_does_the_rule_is_named_and_the_others_work() {
    let evaluator = evaluator(Limits {
        deadline: Duration::from_millis(400),
        preparation: Duration::from_secs(5),
        memory: 256 * 1024 * 1024,
        workers: 2,
    });
    let before = resident();
    for (script, said) in HOSTILE {
        let text = [
            rule("before", "1 + 1"),
            rule("bad", script),
            rule("after", "2 + 2"),
        ]
        .concat();
        let started = Instant::now();
        let done = run(&evaluator, &text, &json!({})).await;
        let expected = json!({"before": 2, "after": 4});
        assert_eq!(
            Value::Object(done.output),
            expected,
            "{script}: {:?}",
            done.problems
        );
        assert_eq!(done.problems.len(), 1, "{script}: {:?}", done.problems);
        let problem = &done.problems[0];
        assert_eq!(
            (problem.rule, problem.category),
            (Some(2), Category::Transformation)
        );
        assert!(
            problem.reason.contains(said),
            "{script}: {}",
            problem.reason
        );
        let length = problem.reason.chars().count();
        assert!(length < 1200, "{script}: {length} characters");
        let position = problem.position.as_ref().map(ToString::to_string);
        assert!(
            position
                .as_deref()
                .is_some_and(|it| it.starts_with("m.toml:8:")),
            "{script}: {position:?}"
        );
        println!(
            "{:>5} ms  {script}  →  {}",
            started.elapsed().as_millis(),
            problem.reason.chars().take(160).collect::<String>()
        );
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 48, "this process grew by {grown} MiB");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_named_as_they_are_configured() {
    let evaluator = evaluator(Limits {
        deadline: Duration::from_millis(350),
        memory: 96 * 1024 * 1024,
        ..patient()
    });
    for (script, said) in [
        (ENDLESS, "ran for more than 350 ms"),
        (
            "std.strReplace(std.repeat('a', 1e6), 'a', std.repeat('b', 1e6))",
            "more than 96 MiB",
        ),
    ] {
        let done = run(&evaluator, &rule("a", script), &json!({})).await;
        assert!(
            done.problems[0].reason.contains(said),
            "{:?}",
            done.problems
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_evaluator_is_not_delayed() {
    // A preview has its own evaluator; what it does to its child is no business of the engine's.
    let preview = evaluator(Limits {
        deadline: Duration::from_secs(4),
        ..patient()
    });
    let engine = evaluator(patient());
    let good = rule("a", "$.input.n");
    run(&engine, &good, &json!({"n": 0})).await;
    let bad = ["a", "b", "c"].map(|target| rule(target, ENDLESS)).concat();
    let hostile = tokio::spawn(async move { run(&preview, &bad, &json!({})).await });
    for n in 0..50 {
        let done = run(&engine, &good, &json!({"n": n})).await;
        assert_eq!(done.output["a"], json!(n));
    }
    assert!(
        !hostile.is_finished(),
        "the good ones waited for the others"
    );
    hostile.abort();
}

#[tokio::test]
async fn imports_reach_nothing_but_files_beside_the_mapping() {
    use std::os::unix::fs::symlink;
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text).unwrap();
    symlink("/dev/zero", home.path().join("zero.libsonnet")).unwrap();
    symlink("/etc/passwd", home.path().join("passwd")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        home.path().join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    write("large.libsonnet", &" ".repeat(300 * 1024));
    write("nested.libsonnet", &"(".repeat(3000));
    for import in [
        "import '/dev/zero'",
        "importstr '/etc/passwd'",
        "importbin '../../../etc/passwd'",
        "import 'zero.libsonnet'",
        "importstr 'passwd'",
        "importstr 'pipe'",
        "import 'large.libsonnet'",
        "import 'nested.libsonnet'",
        "import 'absent.libsonnet'",
        "importstr '.'",
    ] {
        let problems = Mapping::parse(&rule("a", import), "m.toml", Some(home.path()));
        let problems = problems.expect_err(import);
        assert_eq!(problems[0].position.line, 4, "{import}: {problems:?}");
    }
    // A file that imports itself can be read, and can't be evaluated.
    write("self.libsonnet", "(import 'self.libsonnet') + 1");
    let text = [rule("bad", "import 'self.libsonnet'"), rule("good", "1")].concat();
    let mapping = Mapping::parse(&text, "m.toml", Some(home.path())).unwrap();
    let input = json!({});
    let request = Evaluate {
        direction: Direction::Inbound,
        event: None,
        input: &input,
        target: None,
        require: Required::None,
    };
    let done = evaluator(patient()).evaluate(&mapping, request).await;
    assert_eq!(Value::Object(done.output), json!({"good": 1}));
    assert_eq!(done.problems.len(), 1);
    assert_eq!(done.problems[0].rule, Some(1));
    println!("{}", done.problems[0].reason);
}

#[tokio::test]
async fn a_script_that_ends_its_reader_is_named_every_time() {
    // Brackets are bounded before they reach the interpreter; signs are not.
    let nested = format!("{}1", "-".repeat(200_000));
    let text = [rule("bad", &nested), rule("good", "1")].concat();
    let evaluator = evaluator(patient());
    for _ in 0..2 {
        let done = run(&evaluator, &text, &json!({})).await;
        assert_eq!(Value::Object(done.output), json!({"good": 1}));
        assert_eq!(done.problems.len(), 1, "{:?}", done.problems);
        assert_eq!(done.problems[0].rule, Some(1));
        println!("{}", done.problems[0].reason);
    }
    let brackets = rule("bad", &format!("{}1", "(".repeat(3000)));
    let problems = Mapping::parse(&brackets, "m.toml", None).unwrap_err();
    assert!(problems[0].what.contains("nested"));
}

#[tokio::test]
async fn after_three_scripts_that_had_to_be_stopped_the_rest_is_not_tried() {
    let limits = Limits {
        deadline: Duration::from_millis(200),
        ..patient()
    };
    let text: String = (0..6).map(|n| rule(&format!("t{n}"), ENDLESS)).collect();
    let done = run(&evaluator(limits), &text, &json!({})).await;
    let count = |said: &str| {
        let told = done
            .problems
            .iter()
            .filter(|problem| problem.reason.contains(said));
        told.count()
    };
    assert_eq!((count("ran for more than"), count("not evaluated")), (3, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_script_delays_nobody_elses_record() {
    let evaluator = Arc::new(evaluator(Limits {
        deadline: Duration::from_secs(3),
        workers: 2,
        ..patient()
    }));
    let good = rule("a", "$.input.n");
    run(&evaluator, &good, &json!({"n": 0})).await;
    let endless = {
        let evaluator = Arc::clone(&evaluator);
        tokio::spawn(async move { run(&evaluator, &rule("a", ENDLESS), &json!({})).await })
    };
    for n in 0..20 {
        let done = run(&evaluator, &good, &json!({"n": n})).await;
        assert_eq!(done.output["a"], json!(n));
    }
    assert!(
        !endless.is_finished(),
        "the good ones waited for the endless one"
    );
    let done = endless.await.unwrap();
    assert!(
        done.problems[0]
            .reason
            .contains("ran for more than 3000 ms")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_records_at_once_keep_apart() {
    let evaluator = Arc::new(evaluator(patient()));
    let tasks = (0..100).map(|n| {
        let evaluator = Arc::clone(&evaluator);
        let text = rule("a", "std.trace('n', $.input.n) * 2");
        tokio::spawn(async move { (n, run(&evaluator, &text, &json!({"n": n})).await) })
    });
    for task in tasks.collect::<Vec<_>>() {
        let (n, done) = task.await.unwrap();
        assert_eq!(done.output["a"], json!(n * 2));
        assert_eq!(done.trace.len(), 1);
    }
}

#[tokio::test]
async fn a_worker_that_has_forgotten_a_mapping_reads_it_again() {
    let evaluator = evaluator(Limits {
        workers: 1,
        ..patient()
    });
    for round in 0..2 {
        for number in 0..20 {
            let text = rule("a", &format!("{number} + $.input.n"));
            let done = run(&evaluator, &text, &json!({"n": round})).await;
            assert_eq!(done.output["a"], json!(number + round));
        }
    }
}

#[tokio::test]
async fn a_worker_that_has_served_its_time_is_replaced_unnoticed() {
    let evaluator = evaluator(patient());
    let mapping =
        Mapping::parse(&rule("a", "{ n: $.input.n, m: self.n }"), "m.toml", None).unwrap();
    for n in 0..10_100 {
        let input = json!({"n": n});
        let request = Evaluate {
            direction: Direction::Inbound,
            event: None,
            input: &input,
            target: None,
            require: Required::None,
        };
        let done = evaluator.evaluate(&mapping, request).await;
        assert_eq!(
            done.output["a"],
            json!({"n": n, "m": n}),
            "{:?}",
            done.problems
        );
    }
}

#[test]
fn a_worker_ends_with_its_parent_and_does_not_choke_on_rubbish() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let start = || {
        Command::new(env!("CARGO_BIN_EXE_fieldbridge"))
            .arg("__map-worker")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut worker = start();
    drop(worker.stdin.take());
    assert!(worker.wait().unwrap().success());
    let mut worker = start();
    worker.stdin.take().unwrap().write_all(&[0xff; 64]).unwrap();
    assert!(!worker.wait().unwrap().success());
}
