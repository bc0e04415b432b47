use super::*;

#[test]
fn known_walks() {
    assert_eq!(steps(1), 0);
    assert_eq!(steps(2), 1);
    assert_eq!(steps(27), 111);
    assert_eq!(steps(837_799), 524);
}

#[tokio::test]
async fn one_start_is_its_own_longest() {
    let expected = Collatz {
        from: 1,
        count: 1,
        longest_start: 1,
        longest_steps: 0,
        total_steps: 0,
    };
    assert_eq!(collatz(1, 1).await, expected);
}

#[tokio::test]
async fn ties_go_to_the_smaller_start() {
    // 12 and 13 both take nine steps.
    let result = collatz(12, 2).await;
    assert_eq!((result.longest_start, result.longest_steps), (12, 9));
    assert_eq!(result.total_steps, 18);
}

#[tokio::test]
async fn slices_leave_no_gap() {
    let result = collatz(1, 2 * SLICE + 1).await;
    let total_steps: u64 = (1..=2 * SLICE + 1).map(steps).sum();
    assert_eq!(result.total_steps, total_steps);
}
